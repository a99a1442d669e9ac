"""Headless Chromium by the DevTools protocol over pipes, for report_browser.py: needs no package
but Chromium itself."""
import json
import os
import select
import subprocess
import tempfile
import time

PATIENCE_S = 120  # for one answer, on a busy machine


class Browser:
    """with Browser() as browser: browser.open(...), browser.js(...), ..."""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        down, up = os.pipe(), os.pipe()
        command = ["sh", "-c", 'exec "$@" 3<&%d 4>&%d' % (down[0], up[1]), "sh", "chromium",
                   "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                   "--user-data-dir=" + self.profile.name, "--remote-debugging-pipe", "about:blank"]
        # A killed browser leaves its temporary files.
        environment = dict(os.environ, TMPDIR=self.profile.name)
        self.process = subprocess.Popen(command, pass_fds=(down[0], up[1]), env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(down[0])
        os.close(up[1])
        self.out, self.reader, self.rest, self.number = down[1], up[0], b"", 0
        self.session, self.events = None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.reader)
        self.profile.cleanup()

    # ---- protocol ----

    def receive(self, patience_s=PATIENCE_S):
        while b"\0" not in self.rest:
            if not select.select([self.reader], [], [], patience_s)[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.reader, 1 << 20)
            if not part:
                raise EOFError("the browser is gone")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, name, patience_s=PATIENCE_S):
        """The next event of this name since open()."""
        while not any(event.get("method") == name for event in self.events):
            self.events.append(self.receive(patience_s))

    # ---- page ----

    def open(self, path, width, scheme="light", height=900):
        self.events = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme},
                            {"name": "prefers-reduced-motion", "value": "reduce"}])
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait_for("Page.loadEventFired")
        self.settle()

    def js(self, expression):
        """The value of an expression, which may be a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            what = json.dumps(answer["exceptionDetails"])[:600]
            raise RuntimeError("%s\n%s" % (what, expression[:200]))
        return answer["result"].get("value")

    def settle(self):
        """Until what the last input set off is drawn."""
        self.js("""new Promise(done =>
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))))""")

    def errors(self):
        """What the console says, what is loaded from elsewhere, and dialogs, since open()."""
        bad = []
        for event in self.events:
            kind, params = event.get("method"), event.get("params", {})
            if kind == "Runtime.exceptionThrown":
                bad.append(json.dumps(params["exceptionDetails"])[:400])
            elif kind == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                bad.append(params["entry"]["text"])
            elif kind == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                bad.append(json.dumps(params["args"])[:400])
            elif kind == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file:", "data:", "blob:")):
                    bad.append("loads " + url[:100])
            elif kind == "Page.javascriptDialogOpening":
                bad.append("dialog: " + params["message"][:100])
        return bad

    # ---- pointer and keyboard ----

    def pointer(self, x, y, kind="mouseMoved", **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        self.pointer(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.pointer(x, y, kind, button="left", clickCount=1)
        self.settle()

    def drag(self, x0, y0, x1, y1):
        self.pointer(x0, y0)
        self.pointer(x0, y0, "mousePressed", button="left", buttons=1, clickCount=1)
        for part in (0.3, 0.7, 1):
            self.pointer(x0 + part * (x1 - x0), y0 + part * (y1 - y0), button="left", buttons=1)
        self.pointer(x1, y1, "mouseReleased", button="left", clickCount=1)
        self.settle()

    def key(self, key):
        codes = {"Tab": 9, "Escape": 27, "End": 35, "Home": 36, "ArrowRight": 39}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=codes[key])

    def wait_until(self, expression, patience_s=20):
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            try:
                if self.js(expression):
                    return True
            except RuntimeError:
                pass  # between two pages
            time.sleep(0.1)
        return False
