"""A report.html in headless Chromium, held against the files beside it.

    python3 report_browser.py RUN_DIR [--quick] [--live] [--no-d3] [--shots PREFIX]

Prints a line "FAILED: ..." for each expectation that is broken, and exits with 1 if there is one;
and a line of measures. --quick: one width, without print. --live: the page of a campaign that runs,
which reads itself again. --no-d3: built without D3. --shots: a picture at each width."""
import base64
import csv
import json
import os
import re
import sys

from devtools import Browser

LAPTOP, WIDTHS = 1400, (400, 900, 1400, 2200)
MOST_PANELS = 12  # of models; a chooser leads to the others
failures = []

with open(os.path.join(os.path.dirname(__file__), "report_probe.js"), encoding="utf-8") as file:
    PROBE = file.read()


def expect(true, text, detail=""):
    if not true:
        failures.append(text + (": " + str(detail)[:400] if detail != "" else ""))
    return bool(true)


class Run:
    """What the files of the run directory say, which the page must show."""

    def __init__(self, folder, finished):
        self.page = os.path.join(folder, "report.html")
        if not finished:
            return
        with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
            self.result = json.load(file)
        with open(os.path.join(folder, "trials.csv"), newline="", encoding="utf-8") as file:
            self.trials = list(csv.DictReader(file))
        self.search = [row for row in self.trials if row["purpose"] == "search"]
        self.told = [row for row in self.search if row["state"] in ("done", "diverged")]


class Page:
    """The page in a browser: page.ask("tip()") is probe.tip() of report_probe.js."""

    def __init__(self, browser, path, width=LAPTOP, scheme="light"):
        self.browser = browser
        browser.open(path, width, scheme)
        browser.js(PROBE)

    def ask(self, expression):
        return self.browser.js("probe." + expression)

    def do(self, expression):
        self.ask(expression)
        self.browser.settle()

    def key(self, *keys):
        for key in keys:
            self.browser.key(key)
        self.browser.settle()

    def point(self, x, y):
        self.browser.pointer(x, y)
        self.browser.settle()


# ---- what it says ----

def check_answer(page, run):
    """The numbers of result.json: at full precision in the data, in words in the header."""
    data, target = json.loads(page.ask('one("#data").textContent')), run.result["target"]
    expect(data["answer"] == run.result, "the answer in the data is not result.json")
    shown = page.ask('count("#lr")') and page.ask('one("#lr").value')
    expect(shown and float(shown) == target["lr"], "another LR than in result.json", shown)
    headline = page.ask('one("#lr").parentElement.textContent') if shown else ""
    ends = [float(v) for v in re.findall(r"\d[\d.]*e-?\d+", headline)[1:]]
    near = len(ends) == 2 and all(abs(a / b - 1) < 0.06 for a, b in zip(ends, target["ci90"]))
    if run.result["status"] == "identified":
        expect(near, "another interval than in result.json", headline)
    badge, word = page.ask('one(".badge").textContent'), run.result["confidence"]["word"]
    expect(word in (None, "none") or word in badge, "the badge does not say '%s'" % word, badge)
    warnings = page.ask('all("#warnings li").map(probe.text)')
    expect(warnings == run.result["warnings"], "other warnings than in result.json", warnings)
    if warnings:
        expect(page.ask('place("#warnings")[1]') < 900, "warnings are not above the fold")
    return data


def check_trials(run, data):
    """The trials in the data are those of trials.csv."""
    for key, column in (("id", "id"), ("lr", "lr"), ("seed", "seed"), ("tokens", "horizon_tokens")):
        shown, told = data["trials"][key], [float(row[column]) for row in run.trials]
        expect(shown == told, "another %s than in trials.csv" % key, [shown[:5], told[:5]])
    losses = [float(row["val_loss"]) if row["state"] == "done" else None for row in run.trials]
    far = [pair for pair in zip(data["trials"]["loss"], losses)
           if pair[0] != pair[1] and (None in pair or abs(pair[0] - pair[1]) > 1e-5 * abs(pair[1]))]
    expect(not far, "other losses than in trials.csv", far[:5])


def check_counts(page, run, data):
    rows = int(page.ask('one("#trials table").getAttribute("aria-rowcount")'))
    expect(rows == len(run.trials), "%d trials in the table, not %d" % (rows, len(run.trials)))
    points, told = page.ask("points()"), len(run.told)
    if len(data["cells"]) > MOST_PANELS:
        expect(0 < points <= told, "%d points of %d trials" % (points, told))
    else:
        expect(points == told, "%d points instead of %d" % (points, told))
        lines = page.ask('count("#basins path.curve:not(.target)")')
        known = sum(1 for fit in data["fits"] if fit["curve"])
        expect(lines == known, "%d posterior curves instead of %d" % (lines, known))
    for key, there in (("contours", data["contours"]), ("curves", data["curves"]["trial"])):
        panels = page.ask('count("#%s svg")' % key)
        expect((panels > 0) == (len(there) > 0), "%d drawings of %d %s" % (panels, len(there), key))
    if data["contours"]:
        lines = page.ask('count("#contours path.contour")')
        panels = page.ask('count("#contours svg")')
        expect(lines >= panels, "%d contours in %d panels" % (lines, panels))
    jump = page.ask("jump('#basins path.target:not(.band)')")
    expect(jump < 60, "the target's curve is joined where it is not drawn", jump)
    expect(page.ask("nonsense()") == [], "numbers that are none", page.ask("nonsense()"))


def check_inert(page, data):
    """What comes from outside is text: no element and no script of its making."""
    made = page.ask('count("main :is(img, iframe, script, [onload]), header :is(img, script)")')
    expect(made == 0, "a text became an element")
    name = page.ask('one("header .name").textContent')
    expect(data["name"] in name, "the name is not shown as it is", name)
    for output in data["outputs"][:3]:
        texts = page.ask('all("#output pre").map(node => node.textContent)')
        shown = any(output["text"].strip() in text for text in texts)
        expect(shown, "an output is not shown as it is", output["text"])


# ---- pointer ----

def check_hover(page, data):
    """Over a point: its trial in the tooltip, its loss curve and row lit; a click keeps them."""
    mark = page.ask("lonely()")
    if not mark:
        check_canvas(page, data)
        return
    trial = mark["id"]
    page.point(*mark["at"])
    tip = page.ask("tip()")
    expect(re.match(r"trial\s+%s\b" % trial, tip), "over trial %s the tooltip says" % trial, tip)
    if int(trial) in data["curves"]["trial"] and len(data["cells"]) == 1:
        lit, own = page.ask("curves(%s)" % trial)
        expect(lit and own and lit.startswith(own), "the curve of trial %s is not lit" % trial)
    there = page.ask('count("#t%s")' % trial)  # of many rows a part is there
    row = page.ask('trial("tr.here")')
    expect(row == trial or not there, "row %s is lit instead of %s" % (row, trial))
    page.point(2, 2)
    expect(page.ask("tip()") == "", "the tooltip stays", page.ask("tip()"))
    page.browser.click(*page.ask("lonely()")["at"])
    row = page.ask('trial("tr[aria-selected=true]")')
    expect(row == trial, "a click chooses %s instead of %s" % (row, trial))
    page.point(2, 2)


def check_canvas(page, data):
    """Where points are on a canvas, the pointer finds them too."""
    if not expect(page.ask('count("#basins canvas")') or not data["fits"], "no point to hover"):
        return
    x, y, width, height = page.ask('place("#basins canvas")')
    texts = []
    for right in (0.3, 0.4, 0.5, 0.6, 0.7):
        for down in (0.5, 0.65, 0.8):
            page.point(x + right * width, y + down * height)
            texts.append(page.ask("tip()"))
    expect(any(re.match(r"trial\s+\d+", text) for text in texts), "no point is found", texts)
    page.point(2, 2)


def check_zoom(page):
    """Dragging zooms; the button, a double click and Escape lead back."""
    ticks, reset = 'ticks("basins")', 'button("basins", "Reset")'
    before = page.ask(ticks)
    expect(page.ask(reset + ".disabled"), "the zoom can be reset before there is one")
    leave = {"the button": lambda: page.do(reset + ".click()"),
             "a double click": lambda: page.do('twice(probe.one("#basins .drag .overlay"))'),
             "Escape": lambda: (page.do('one("#basins svg[tabindex]").focus()'), page.key("Escape"))}
    for name, act in leave.items():
        x, y, width, height = page.ask('place("#basins .drag .overlay")')
        page.browser.drag(x + 0.35 * width, y + 0.35 * height, x + 0.6 * width, y + 0.7 * height)
        expect(page.ask(ticks) != before, "dragging does not change the axis", before)
        expect(not page.ask(reset + ".disabled"), "the zoom cannot be reset")
        act()
        expect(page.ask(ticks) == before, name + " does not bring the axis back", page.ask(ticks))


# ---- controls ----

def check_slider(page, run, data):
    last = max(int(row["round"]) for row in run.search)
    shown = int(page.ask('one("#rounds input").max')) if page.ask('count("#rounds input")') else 1
    expect(shown == last, "the slider ends at round %d, not %d" % (shown, last))
    if shown == 1:
        return
    first = [row for row in run.told if row["round"] == "1"]
    expect(len(first) < len(run.told), "nothing for the slider to do")
    for key, rows in (("Home", first), ("End", run.told)):
        page.do('one("#rounds input").focus()')
        page.key(key)
        points = page.ask("points()")
        same = points == len(rows) or len(data["cells"]) > MOST_PANELS
        expect(same, "%s: %d points instead of %d" % (key, points, len(rows)))


def check_views(page, data):
    """Chips hide horizons; nats above each optimum; tokens on a logarithmic axis."""
    points, chips, first = page.ask("points()"), page.ask("chips()"), 'one("#basins .chip")'
    if len(chips) > 1:
        page.do(first + ".click()")
        expect(page.ask("chips()") == ["false"] + chips[1:], "a chip does not hide its horizon")
        expect(page.ask("points()") < points, "the points of a hidden horizon stay")
        for only in (["true"] + ["false"] * (len(chips) - 1), chips):
            page.do("twice(probe.%s)" % first)
            expect(page.ask("chips()") == only, "two clicks on a chip leave", page.ask("chips()"))
    press = 'button("%s", "%s").click()'
    page.do(press % ("basins", "nats above"))
    feet = page.ask("feet()")
    level = not feet or max(feet) - min(feet) < 1
    expect(level, "curves above their optimum do not begin at the same height", feet)
    page.do(press % ("basins", "nats above"))
    expect(page.ask("points()") == points, "%d points after all views" % page.ask("points()"))
    if data["curves"]["trial"]:
        before = page.ask('ticks("curves")')
        for same in (False, True):
            page.do(press % ("curves", "log tokens"))
            expect((page.ask('ticks("curves")') == before) == same, "the axis of tokens", before)


def check_table(page, run):
    for way, down in (("ascending", False), ("descending", True)):
        page.do('all("#trials thead button").find(node => node.textContent === "LR").click()')
        column = page.ask('column("LR")')
        lrs = sorted((float(row["lr"]) for row in run.trials), reverse=down)
        same = all(abs(float(a) / b - 1) < 0.006 for a, b in zip(column["values"], lrs))
        expect(column["sort"] == way and same, "the table is not sorted, " + way, column)
    page.do('one("#trials thead button").click()')
    for state in ("diverged", "done"):
        said = page.ask('filter("%s")' % state)
        count, states = int(said.split()[0]), set(page.ask('column("state")["values"]'))
        rows = [row for row in run.trials if state in row["state"] + row["message"]]
        expect(count == len(rows), "filtered by %s, not %d trials" % (state, len(rows)), said)
        expect(states <= {row["state"] for row in rows}, "filtered by %s" % state, states)
    page.do('filter("")')


def check_keyboard(page):
    """Tab reaches controls and drawing, and one sees where; arrows go through the points."""
    page.do("one('body').tabIndex = -1")  # to begin at the top
    page.do("one('body').focus(), document.body.removeAttribute('tabindex')")
    seen = []
    while len(seen) < 150 and not (seen and seen[-1].startswith("about")):
        page.browser.key("Tab")
        seen.append(page.ask("focused()"))
    for place in ("header theme", "basins svg", "trials input"):
        expect(place in seen, "not reached with Tab: " + place, sorted(set(seen)))
    unseen = [place for place in seen if "unseen" in place]
    expect(not unseen, "focused without being marked", unseen)
    page.do('one("#basins svg[tabindex]").focus()')
    texts = []
    for _ in range(2):
        page.key("ArrowRight")
        texts.append(page.ask("tip()"))
    good = all(text.startswith("trial") for text in texts) and texts[0] != texts[1]
    expect(good, "arrow keys show", texts)
    page.key("Escape")
    expect(page.ask("tip()") == "", "Escape leaves the tooltip")


def check_theme(page):
    grounds = []
    for _ in range(3):
        grounds.append(page.browser.js("getComputedStyle(document.body).backgroundColor"))
        page.do('one("[data-theme-toggle]").click()')
    expect(grounds[0] == grounds[2] != grounds[1], "the theme button gives", grounds)
    page.do('one("[data-theme-toggle]").click()')


# ---- layout ----

def check_layout(page, where):
    layout = page.ask("layout()")
    expect(layout["wider"] <= 0, "%s: the page is %d pixels wider" % (where, layout["wider"]))
    expect(layout["cut"] == [], where + ": text is cut", layout["cut"])
    expect(layout["empty"] == [], where + ": a row is not filled", layout["empty"])


def check_contrast(page, where):
    contrast, text = page.ask("contrast()")
    expect(contrast >= 4.5, "%s: contrast %s" % (where, contrast), text)


def check_print(browser):
    """On four sheets, with axes, too."""
    pdf = browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", base64.b64decode(pdf)))
    expect(1 <= sheets <= 4, "%d printed pages" % sheets)
    return sheets


def shoot(browser, path, width):
    height = min(12000, browser.js("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    image = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
    with open(path, "wb") as file:
        file.write(base64.b64decode(image))


# ---- pages ----

def check_page(browser, run, width, scheme, shots):
    """Returns the milliseconds until it was drawn."""
    page, where = Page(browser, run.page, width, scheme), "%d pixels, %s" % (width, scheme)
    ready = browser.js("Number(document.documentElement.dataset.ready)")
    if expect(ready and ready > 0, where + ": the page is not drawn"):
        data = check_answer(page, run)
        check_trials(run, data)
        check_counts(page, run, data)
        check_inert(page, data)
        check_layout(page, where)
        check_contrast(page, where)
        if shots:
            shoot(browser, "%s-%d-%s.png" % (shots, width, scheme), width)
        if width == LAPTOP:
            check_hover(page, data)
            check_zoom(page)
            check_slider(page, run, data)
            check_views(page, data)
            check_table(page, run)
            check_keyboard(page)
            check_theme(page)
    expect(browser.errors() == [], where + ": console", browser.errors())
    return ready


def check_live(browser, run):
    """The page reads itself again, and what was chosen and where one reads stay."""
    page = Page(browser, run.page)
    page.do('one("#rounds input").focus()')
    page.key("Home")
    points = page.ask("points()")
    page.do('one("#trials tr[data-trial]").click()')
    chosen = page.ask('trial("tr[aria-selected=true]")')
    browser.js("scrollTo(0, 500)")
    again = "!window.probe && document.documentElement.dataset.ready !== undefined"
    if expect(browser.wait_until(again, 60), "the page was not read again"):
        browser.settle()
        browser.js(PROBE)
        expect(page.ask('one("#rounds input").value') == "1", "the slider is back at the end")
        expect(page.ask("points()") == points, "the points of all rounds are back")
        row = page.ask('trial("tr[aria-selected=true]")')
        expect(chosen and row == chosen, "trial %s is chosen, not %s" % (row, chosen))
        top = browser.js("scrollY")
        expect(abs(top - 500) < 30, "the page begins elsewhere", top)
    expect(browser.errors() == [], "console", browser.errors())


def check_static(browser, run):
    """Without D3: static figures and a plain table, and why."""
    for width in WIDTHS:
        page, where = Page(browser, run.page, width), "%d pixels" % width
        expect(page.ask('count("script")') == 0, where + ": there is a script")
        loaded = page.ask('all("figure img").map(node => node.complete && node.naturalWidth > 0)')
        expect(loaded and all(loaded), where + ": figures are not shown", loaded)
        expect("D3" in browser.js("document.body.innerText"), where + ": D3 is not named")
        rows = page.ask('count("table tr")')
        expect(rows >= len(run.trials), "%s: %d rows of trials" % (where, rows))
        lr = float(page.ask('one("#lr").value'))
        expect(lr == run.result["target"]["lr"], where + ": another LR than in result.json", lr)
        expect(page.ask("layout().wider") <= 0, where + ": the page is wider")
        check_contrast(page, where)
        expect(browser.errors() == [], where + ": console", browser.errors())


def main():
    arguments, shots = sys.argv[1:], None
    if "--shots" in arguments:
        shots = arguments.pop(arguments.index("--shots") + 1)
    folder, flags = arguments[0], set(arguments[1:])
    run, measures = Run(folder, "--live" not in flags), []
    with Browser() as browser:
        if "--no-d3" in flags:
            check_static(browser, run)
        elif "--live" in flags:
            check_live(browser, run)
        else:
            for width in (LAPTOP,) if "--quick" in flags else WIDTHS:
                for scheme in ("light",) if "--quick" in flags else ("light", "dark"):
                    ready = check_page(browser, run, width, scheme, shots)
                    measures.append("%s ms at %d" % (ready, width))
            if "--quick" not in flags:
                browser.open(run.page, LAPTOP)
                measures.append("%d printed pages" % check_print(browser))
    for failure in failures:
        print("FAILED: " + failure)
    drawn = ", drawn after " + ", ".join(measures) if measures else ""
    print("%s: %d bytes%s" % (folder, os.path.getsize(run.page), drawn))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
