"""A report.html in headless Chromium, by the DevTools protocol over pipes: python3 report_browser.py
PAGE [SCREENSHOT-PREFIX]. Prints one JSON object of what was found; the caller judges it."""
import base64
import json
import os
import subprocess
import sys
import tempfile

FOUND = """(() => {
  const found = {errors: window.__errors || []};
  const marks = id => document.querySelectorAll(`#${id} [data-t]`).length;
  for (const id of ["basins", "curves", "workers"]) found[id] = marks(id);
  found.figures = [...document.querySelectorAll("figure")].map(figure => figure.id);
  found.unnamed = [...document.querySelectorAll("svg")].filter(svg => !svg.getAttribute("aria-label")).length;
  found.untabled = [...document.querySelectorAll("figure")].filter(f => !f.querySelector("details table td")).length;
  found.rows = document.querySelectorAll("#all tbody tr").length;

  const tip = document.getElementById("tip"), mark = document.querySelector("#basins [data-t]");
  if (mark) {
    const over = (node, type) => node.dispatchEvent(new PointerEvent(type, {bubbles: true, clientX: 50, clientY: 50}));
    over(mark, "pointerover");
    found.hover = tip.hidden ? "" : tip.textContent;
    found.hovered = mark.dataset.t;
    over(mark, "pointerout");
    found.left = tip.hidden;
    const plot = document.querySelector("#basins .plot");
    plot.focus();
    plot.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true}));
    found.keyboard = tip.hidden ? "" : tip.textContent;
    plot.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
    const slider = document.querySelector(".rounds input");
    slider.value = 1;
    slider.dispatchEvent(new Event("input"));
    found.later_off = document.querySelectorAll("#basins [data-t].off").length;
    slider.value = slider.max;
    slider.dispatchEvent(new Event("input"));
    found.all_on = document.querySelectorAll("#basins .off").length === 0;
  }

  const heads = [...document.querySelectorAll("#all th[scope=col]")];
  const column = title => heads.findIndex(cell => cell.textContent === title);
  const values = i => [...document.querySelectorAll("#all tbody tr")].map(row => row.cells[i].textContent.trim());
  const lr = column("LR"), ascending = list => list.every((v, i) => i === 0 || list[i - 1] <= v);
  heads[lr].querySelector("button").click();
  found.sorted = ascending(values(lr).map(Number)) && heads[lr].getAttribute("aria-sort") === "ascending";
  heads[lr].querySelector("button").click();
  found.sorted_down = ascending(values(lr).map(Number).reverse()) && heads[lr].getAttribute("aria-sort") === "descending";
  heads[0].querySelector("button").click();
  const filter = document.getElementById("filter"), state = column("state");
  filter.value = "diverged";
  filter.dispatchEvent(new Event("input"));
  const kept = [...document.querySelectorAll("#all tbody tr")].filter(row => !row.hidden);
  found.filtered = kept.every(row => /diverged/.test(row.textContent)) && kept.length < found.rows;
  filter.value = "";
  filter.dispatchEvent(new Event("input"));

  // Contrast of every text in HTML with what lies behind it (WCAG 2).
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = c => {
    const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = node => {
    for (; node; node = node.parentElement) {
      const c = rgb(getComputedStyle(node).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  let worst = 21, where = "";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = 0; walk.nextNode() && n < 5000; n++) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || node.closest("svg, script, style, [hidden]")) continue;
    const a = light(rgb(getComputedStyle(node).color)), b = light(ground(node));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < worst) [worst, where] = [contrast, node.tagName + " " + walk.currentNode.textContent.slice(0, 40)];
  }
  found.contrast = worst;
  found.contrast_where = where;
  found.overflows = document.documentElement.scrollWidth > innerWidth;
  const answer = document.getElementById("lr");
  found.lr = answer ? answer.value : null;
  return JSON.stringify(found);
})()"""


POINT = """(() => {
  const mark = document.querySelector("#basins [data-t]");
  if (!mark) return null;
  mark.scrollIntoView({block: "center", inline: "center"});
  const box = mark.getBoundingClientRect();
  return JSON.stringify([box.x + box.width / 2, box.y + box.height / 2]);
})()"""
TIP = 'document.getElementById("tip").hidden ? "" : document.getElementById("tip").textContent'


class Browser:
    def __init__(self, profile):
        down, up = os.pipe(), os.pipe()
        os.set_inheritable(down[0], True)
        os.set_inheritable(up[1], True)
        command = ["sh", "-c", 'exec "$@" 3<&%d 4>&%d' % (down[0], up[1]), "sh", "chromium", "--headless",
                   "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + profile,
                   "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(command, pass_fds=(down[0], up[1]), stderr=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        os.close(down[0])
        os.close(up[1])
        self.out, self.reader, self.rest, self.number = down[1], up[0], b"", 0
        self.session, self.events = None, []

    def receive(self):
        while b"\0" not in self.rest:
            part = os.read(self.reader, 1 << 20)
            if not part:
                raise SystemExit("the browser is gone")
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
                    raise SystemExit("%s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, name):
        while not any(event.get("method") == name for event in self.events):
            self.events.append(self.receive())

    def errors(self):
        bad = []
        for event in self.events:
            kind, params = event.get("method"), event.get("params", {})
            if kind == "Runtime.exceptionThrown":
                bad.append(json.dumps(params["exceptionDetails"])[:300])
            elif kind == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                bad.append(params["entry"]["text"])
            elif kind == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                bad.append(json.dumps(params["args"])[:300])
            elif kind == "Network.requestWillBeSent" and not params["request"]["url"].startswith("file:"):
                bad.append("loads " + params["request"]["url"][:100])
        return bad


def look(browser, page, width, scheme, shot):
    browser.events = []
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.call("Page.navigate", url="file://" + os.path.abspath(page))
    browser.wait_for("Page.loadEventFired")
    found = json.loads(browser.call("Runtime.evaluate", expression=FOUND)["result"]["value"])
    # The pointer itself, over the middle of the first point.
    where = browser.call("Runtime.evaluate", expression=POINT)["result"].get("value")
    if where:
        x, y = json.loads(where)
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        found["pointer"] = browser.call("Runtime.evaluate", expression=TIP)["result"]["value"]
    if shot:
        for name, whole in (("first", False), ("whole", True)):
            image = browser.call("Page.captureScreenshot", captureBeyondViewport=whole,
                                 **({"clip": {"x": 0, "y": 0, "width": width, "height": 6000, "scale": 1}} if whole else {}))
            with open("%s-%d-%s-%s.png" % (shot, width, scheme, name), "wb") as file:
                file.write(base64.b64decode(image["data"]))
    found["errors"] = browser.errors()
    return found


def main():
    page, shot = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            target = browser.call("Target.createTarget", url="about:blank")["targetId"]
            browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                browser.call(domain + ".enable")
            found = {"%d-%s" % (width, scheme): look(browser, page, width, scheme, shot)
                     for width in (1400, 400) for scheme in ("light", "dark")}
        finally:
            browser.process.kill()
            browser.process.wait()
    print(json.dumps(found, indent=1))


main()
