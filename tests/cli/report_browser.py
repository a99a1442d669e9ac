"""A report.html in headless Chromium, held against the files beside it.

    python3 report_browser.py RUN_DIR [--quick] [--live] [--no-d3] [--shots PREFIX]

Prints a line "FAILED: ..." for each expectation that is broken, and exits with 1 if there is one; else
a line of measures. --quick: one width, without print, themes and contrast. --live: the page is that of a
campaign that runs, and reloads itself. --no-d3: built without D3."""
import base64
import csv
import json
import os
import re
import sys

from devtools import Browser

PHONE, LAPTOP = 400, 1400
WIDTHS = (PHONE, 900, LAPTOP, 2200)
failures = []


def expect(true, text, detail=""):
    if not true:
        failures.append("%s%s" % (text, ": %s" % str(detail)[:400] if detail != "" else ""))
    return bool(true)


class Run:
    """What the files of the run directory say, which the page must show."""

    def __init__(self, folder, finished):
        self.page = os.path.join(folder, "report.html")
        if not finished:
            return
        self.result = self.read_json(os.path.join(folder, "result.json"))
        with open(os.path.join(folder, "trials.csv"), newline="", encoding="utf-8") as file:
            self.trials = list(csv.DictReader(file))
        self.search = [row for row in self.trials if row["purpose"] == "search"]
        self.told = [row for row in self.search if row["state"] in ("done", "diverged")]

    @staticmethod
    def read_json(path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)


# ---- what the page holds ----

TEXTS = r"""(() => {
  const visible = node => node.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  const bad = [], attributes = ["d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "transform", "points"];
  for (const node of document.querySelectorAll("main svg, main svg *"))
    for (const name of attributes)
      if (/NaN|undefined|null|Infinity/.test(node.getAttribute(name) || "")) bad.push(`<${node.tagName} ${name}=${node.getAttribute(name).slice(0, 60)}>`);
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!node.closest("script, style, pre, #output, #trials") && /\b(NaN|undefined|Infinity|\[object)/.test(walk.currentNode.textContent))
      bad.push(walk.currentNode.textContent.trim().slice(0, 80));
  }
  return bad;
})()"""

POINTS = """(() => {
  const all = [...document.querySelectorAll("#basins svg [data-trial]:not(.confirm)")];
  const canvas = [...document.querySelectorAll("#basins canvas")].reduce((sum, one) => sum + Number(one.dataset.points), 0);
  return all.length + canvas;
})()"""


def check_answer(browser, run):
    """The numbers of result.json, at full precision in the data, and in words in the header."""
    data = browser.js('JSON.parse(document.getElementById("data").textContent)')
    expect(data["answer"] == run.result, "the answer in the data is not result.json")
    target, shown = run.result["target"], browser.js('(document.getElementById("lr") || {}).value')
    expect(shown is not None and float(shown) == target["lr"], "another LR than in result.json", shown)
    text = browser.js('document.getElementById("lr").parentElement.textContent')
    ends = [float(v) for v in re.findall(r"\d\.\d+e-?\d+|0\.\d+", text.split("90", 1)[-1])]
    near = len(ends) == 2 and all(abs(a / b - 1) < 0.06 for a, b in zip(ends, target["ci90"]))
    if run.result["status"] == "identified":
        expect(near, "another interval than in result.json", text)
    badge, word = browser.js('document.querySelector(".badge").textContent'), run.result["confidence"]["word"]
    expect(word in (None, "none") or word in badge, "the badge does not say '%s'" % word, badge)
    lines = browser.js('[...document.querySelectorAll("#warnings li")].map(li => li.textContent)')
    expect(lines == run.result["warnings"], "other warnings than in result.json", lines)
    if run.result["warnings"]:
        above = browser.js('document.getElementById("warnings").getBoundingClientRect().top < innerHeight')
        expect(above, "warnings are not above the fold")
    return data


def check_counts(browser, run, data):
    rows = browser.js('document.querySelector("#trials table").getAttribute("aria-rowcount")')
    expect(int(rows) == len(run.trials), "the table has %s trials instead of %d" % (rows, len(run.trials)))
    points = browser.js(POINTS)
    shown = run.told
    if len(data["cells"]) > 12:  # the choosers show a part of them
        expect(0 < points <= len(shown), "%d points of %d trials" % (points, len(shown)))
    else:
        expect(points == len(shown), "%d points instead of %d" % (points, len(shown)))
    for key, figure in (("curves", "curves"), ("contours", "contours")):
        there = len(data["contours"]) if key == "contours" else len(data["curves"]["trial"])
        seen = browser.js('document.querySelectorAll("#%s svg").length' % figure)
        expect((seen > 0) == (there > 0), "%d drawings of %d %s" % (seen, there, figure))
    lines = browser.js('document.querySelectorAll("#basins path.curve:not(.target)").length')
    known = sum(1 for fit in data["fits"] if fit["curve"])
    expect(lines == known or len(data["cells"]) > 12, "%d posterior curves instead of %d" % (lines, known))
    if data["contours"]:
        paths = browser.js('document.querySelectorAll("#contours path.contour").length')
        panels = browser.js('document.querySelectorAll("#contours svg").length')
        expect(paths >= panels > 0, "%d contours in %d panels" % (paths, panels))
    expect(browser.js(TEXTS) == [], "numbers that are none", browser.js(TEXTS))


# ---- pointer ----

LONELY = """(() => {
  document.querySelector("#basins svg[tabindex]").scrollIntoView({block: "center", behavior: "instant"});
  const at = node => { const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const svg = document.querySelector("#basins svg[tabindex]"), frame = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll("[data-trial], .optimum")].map(node => ({id: node.dataset.trial, at: at(node), circle: node.tagName === "circle"}));
  const room = mark => Math.min(...marks.filter(other => other !== mark).map(other => Math.hypot(mark.at[0] - other.at[0], mark.at[1] - other.at[1])));
  const best = marks.filter(mark => mark.circle && mark.id).sort((a, b) => room(b) - room(a))[0];
  return best ? {id: best.id, at: best.at, away: [frame.x + 2, frame.y + 2]} : null;
})()"""
LIT = """(() => {
  const d = one => one && one.getAttribute("d");
  return [d(document.querySelector("#curves path.hovered[stroke^=rgb][d]")), d(document.querySelector('#curves path[data-trial="%s"]'))];
})()"""
TIP = '(tip => !tip || tip.hidden ? "" : tip.innerText)(document.getElementById("tip"))'


def check_hover(browser, data):
    """Over a point: its trial in the tooltip, its loss curve and its row lit; a click keeps them."""
    mark = browser.js(LONELY)
    if not mark:
        return check_canvas(browser, data)
    browser.pointer(*mark["at"])
    browser.settle()
    tip = browser.js(TIP)
    expect(re.match(r"trial\s+%s\b" % mark["id"], tip), "over trial %s the tooltip says" % mark["id"], tip)
    if int(mark["id"]) in data["curves"]["trial"] and len(data["cells"]) == 1:
        lit, own = browser.js(LIT % mark["id"])
        expect(lit and own and lit.startswith(own), "the curve of trial %s is not lit" % mark["id"], lit)
    if browser.js("document.getElementById('t%s') !== null" % mark["id"]):  # of many rows a part is there
        row = browser.js('(row => row && row.dataset.trial)(document.querySelector("#trials tr.here"))')
        expect(row == mark["id"], "row %s is lit instead of %s" % (row, mark["id"]))
    browser.pointer(*mark["away"])
    browser.pointer(2, 2)
    browser.settle()
    expect(browser.js(TIP) == "", "the tooltip stays", browser.js(TIP))
    browser.click(*browser.js(LONELY)["at"])
    chosen = browser.js('(row => row && row.dataset.trial)(document.querySelector("#trials tr[aria-selected=true]"))')
    expect(chosen == mark["id"], "a click chooses %s instead of %s" % (chosen, mark["id"]))
    browser.pointer(2, 2)


def check_canvas(browser, data):
    """Beyond 2,000 points: wherever there is one, the pointer finds it too."""
    if not expect(browser.js('document.querySelector("#basins canvas") !== null') or not data["fits"], "no point to hover"):
        return
    box = browser.js('(box => [box.x, box.y, box.width, box.height])(document.querySelector("#basins canvas").getBoundingClientRect())')
    texts = []
    for part in (0.3, 0.4, 0.5, 0.6, 0.7):
        for down in (0.5, 0.65, 0.8):
            browser.pointer(box[0] + part * box[2], box[1] + down * box[3])
            browser.settle()
            texts.append(browser.js(TIP))
    expect(any(re.match(r"trial\s+\d+", text) for text in texts), "no point of the canvas tells its trial", texts)
    browser.pointer(2, 2)


TICKS = '[...document.querySelectorAll("#basins svg[tabindex] .axis.x .tick text")].map(one => one.textContent).join(" ")'


def check_zoom(browser):
    box = browser.js("""(() => {
      const svg = document.querySelector("#basins svg[tabindex]");
      svg.scrollIntoView({block: "center", behavior: "instant"});
      const box = svg.getBoundingClientRect();
      return [box.x, box.y, box.width, box.height];
    })()""")
    at = lambda x, y: (box[0] + x * box[2], box[1] + y * box[3])
    before, buttons = browser.js(TICKS), '[...document.querySelectorAll("#basins button")].find(one => /^Reset/.test(one.textContent))'
    expect(browser.js(buttons + ".disabled"), "the zoom can be reset before there is one")
    browser.drag(*at(0.35, 0.35), *at(0.6, 0.7))
    expect(browser.js(TICKS) != before, "dragging does not change the axis", before)
    expect(not browser.js(buttons + ".disabled"), "the zoom cannot be reset")
    browser.js(buttons + ".click()")
    browser.settle()
    expect(browser.js(TICKS) == before, "reset does not bring the axis back", browser.js(TICKS))


def check_slider(browser, run, data):
    last = browser.js('(one => one ? Number(one.max) : 1)(document.querySelector("#rounds input"))')
    rounds = max(int(row["round"]) for row in run.search)
    if not expect(last == rounds, "the slider ends at round %s instead of %d" % (last, rounds)) or rounds == 1:
        return
    browser.js('document.querySelector("#rounds input").focus()')
    browser.key("Home")
    browser.settle()
    first = [row for row in run.told if row["round"] == "1"]
    if len(data["cells"]) <= 12:
        expect(browser.js(POINTS) == len(first), "%s points in round 1 instead of %d" % (browser.js(POINTS), len(first)))
        expect(len(first) < len(run.told), "nothing for the slider to do")
    browser.key("End")
    browser.settle()
    if len(data["cells"]) <= 12:
        expect(browser.js(POINTS) == len(run.told), "%s points at the last round" % browser.js(POINTS))


COLUMN = """(title => {
  const heads = [...document.querySelectorAll("#trials thead th")], i = heads.findIndex(one => one.textContent.trim() === title);
  const rows = [...document.querySelectorAll("#trials tr[data-trial]")].slice(0, 30);
  return {sort: heads[i].getAttribute("aria-sort"), values: rows.map(row => row.cells[i].textContent.trim())};
})"""
HEAD = '[...document.querySelectorAll("#trials thead button")].find(one => one.textContent === "%s").click()'


def check_table(browser, run):
    for way, sign in (("ascending", 1), ("descending", -1)):
        browser.js(HEAD % "LR")
        column = browser.js(COLUMN + '("LR")')
        lrs = sorted((float(row["lr"]) for row in run.trials), reverse=sign < 0)[:len(column["values"])]
        same = all(abs(float(a) / b - 1) < 0.006 for a, b in zip(column["values"], lrs))
        expect(column["sort"] == way and same and column["values"], "the table is not sorted, " + way, column)
    browser.js(HEAD % "trial")
    for state in ("diverged", "done"):
        count = sum(row["state"] == state for row in run.trials)
        browser.js('document.getElementById("filter").focus()')
        browser.type(state)
        said = browser.js('document.querySelector("#trials [role=status]").textContent')
        states = set(browser.js(COLUMN + '("state")')["values"])
        text = "%d trials" % count if count == len(run.trials) else "%d of %d trials" % (count, len(run.trials))
        other = sum(state in row["message"] for row in run.trials if row["state"] != state)
        expect(said == text or other, "filtered by %s the table says '%s' instead of '%s'" % (state, said, text))
        expect(states <= {state} or other, "filtered by %s the table shows" % state, states)
        browser.js('(one => { one.value = ""; one.dispatchEvent(new Event("input")); })(document.getElementById("filter"))')


# ---- keyboard, theme ----

FOCUSED = """(one => {
  const section = one.closest("section"), name = one.dataset.themeToggle !== undefined ? "theme" : one.tagName.toLowerCase();
  return `${section ? section.id : "header"} ${one.matches(":focus-visible") && getComputedStyle(one).outlineStyle === "none" ? "unseen " : ""}${name}`;
})(document.activeElement)"""


def check_keyboard(browser):
    browser.js("document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex')")
    seen = []
    for _ in range(150):
        browser.key("Tab")
        seen.append(browser.js(FOCUSED))
        if seen[-1].startswith("about") or "header body" in seen[2:]:
            break
    for place in ("header theme", "basins svg", "trials input"):
        expect(place in seen, "not reached with Tab: " + place, sorted(set(seen)))
    expect(not [one for one in seen if "unseen" in one], "focused without being marked", [one for one in seen if "unseen" in one])
    browser.js('document.querySelector("#basins svg[tabindex]").focus()')
    texts = []
    for key in ("ArrowRight", "ArrowRight"):
        browser.key(key)
        browser.settle()
        texts.append(browser.js(TIP))
    expect(all(text.startswith("trial") for text in texts) and texts[0] != texts[1], "arrow keys show", texts)
    browser.key("Escape")
    browser.settle()
    expect(browser.js(TIP) == "", "Escape leaves the tooltip")


def check_theme(browser):
    ground = "getComputedStyle(document.body).backgroundColor"
    before = browser.js(ground)
    browser.js('document.querySelector("[data-theme-toggle]").click()')
    browser.settle()
    expect(browser.js(ground) != before, "the theme button changes nothing", before)
    browser.js('document.querySelector("[data-theme-toggle]").click()')
    browser.settle()
    expect(browser.js(ground) == before, "the theme does not come back")


# ---- layout ----

LAYOUT = r"""(() => {
  const name = node => `${node.tagName.toLowerCase()} in ${(node.closest("section") || {id: "header"}).id}: ${node.textContent.trim().slice(0, 40)}`;
  const visible = node => node.checkVisibility({visibilityProperty: true});
  const cut = [], empty = [], wide = innerWidth;
  for (const node of document.querySelectorAll("svg text")) {
    const svg = node.ownerSVGElement, box = node.getBoundingClientRect(), frame = svg.getBoundingClientRect();
    if (!visible(node) || box.width === 0) continue;
    if (box.left < frame.left - 1.5 || box.right > frame.right + 1.5 || box.top < frame.top - 2.5 || box.bottom > frame.bottom + 2.5) cut.push(name(node));
  }
  for (const node of document.querySelectorAll("h1, h2, h3, p, li, dt, dd, label, button, figcaption, summary, #rounds output, thead th")) {
    if (!visible(node) || node.closest(".wide, pre")) continue;
    const box = node.getBoundingClientRect();
    if (box.right > wide + 1 || box.left < -1 || getComputedStyle(node).overflow !== "visible" && node.scrollWidth > node.clientWidth + 1) cut.push(name(node));
  }
  const rows = new Map(), main = document.querySelector("main").getBoundingClientRect();
  for (const section of document.querySelectorAll("main > section")) {
    const box = section.getBoundingClientRect(), top = Math.round(box.top);
    const row = rows.get(top) || {left: 1e9, right: 0, ids: []};
    rows.set(top, {left: Math.min(row.left, box.left), right: Math.max(row.right, box.right), ids: [...row.ids, section.id]});
  }
  for (const row of rows.values()) if (row.right - row.left < 0.95 * main.width) empty.push(row.ids.join(" "));
  return {cut, empty, wider: document.documentElement.scrollWidth - wide};
})()"""

# Contrast of every text with what lies behind it (WCAG 2), also of texts in drawings.
CONTRAST = r"""(() => {
  const pen = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
  const rgba = text => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].map((v, i) => i < 3 ? v : v / 255);
  };
  const over = (top, below, share = top[3]) => [0, 1, 2].map(i => share * top[i] + (1 - share) * below[i]).concat(1);
  const light = c => {
    const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = node => {
    const c = rgba(getComputedStyle(node).backgroundColor);
    return c[3] === 1 ? c : over(c, node.parentElement ? ground(node.parentElement) : [255, 255, 255, 1]);
  };
  const opacity = node => node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1;
  let worst = 21, where = "";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = 0; walk.nextNode() && n < 4000; n++) {
    const node = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || node.closest("script, style, noscript, :disabled") || !node.checkVisibility()) continue;
    const style = getComputedStyle(node), below = ground(node);
    const colour = rgba(node instanceof SVGElement ? style.fill : style.color);
    const shown = over(colour, below, colour[3] * opacity(node)), a = light(shown), b = light(below);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < worst) [worst, where] = [contrast, `${node.tagName} in ${(node.closest("section") || {id: "header"}).id}: ${text.slice(0, 40)}`];
  }
  return [Math.round(worst * 100) / 100, where];
})()"""


def check_layout(browser, width):
    layout = browser.js(LAYOUT)
    expect(layout["wider"] <= 0, "at %d pixels the page is %d pixels wider" % (width, layout["wider"]))
    expect(layout["cut"] == [], "at %d pixels text is cut" % width, layout["cut"])
    expect(layout["empty"] == [], "at %d pixels a row is not filled" % width, layout["empty"])


def check_contrast(browser, width, scheme):
    contrast, where = browser.js(CONTRAST)
    expect(contrast >= 4.5, "at %d pixels, %s, contrast %s" % (width, scheme, contrast), where)


def check_print(browser):
    pdf = base64.b64decode(browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
    expect(1 <= sheets <= 4, "%d printed pages" % sheets)
    return sheets


def shoot(browser, prefix, width, scheme):
    height = min(12000, browser.js("document.documentElement.scrollHeight"))
    image = browser.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
    with open("%s-%d-%s.png" % (prefix, width, scheme), "wb") as file:
        file.write(base64.b64decode(image["data"]))


# ---- pages ----

def check_inert(browser, data):
    """What comes from outside is text: no element and no script of its making."""
    expect(browser.js('document.querySelectorAll("main img, main iframe, main b[onload], main script, header img, header script").length') == 0,
           "a text became an element")
    expect(data["name"] in browser.js('document.querySelector("header .name").textContent'), "the name is not shown as it is")
    for output in data["outputs"][:3]:
        texts = browser.js('[...document.querySelectorAll("#output pre")].map(one => one.textContent)')
        expect(any(output["text"].strip() in text for text in texts), "an output is not shown as it is", output["text"])


def check_live(browser, run):
    """The page reads itself again, and what was chosen and where one reads stay."""
    browser.js('document.querySelector("#rounds input").focus()')
    browser.key("Home")
    browser.settle()
    points = browser.js(POINTS)
    browser.js("scrollTo(0, 500)")
    browser.js("new Promise(done => setTimeout(done, 400))")
    browser.js("window.marked = true")
    again = "window.marked === undefined && document.documentElement.dataset.ready !== undefined"
    if not expect(browser.wait_until(again, 60), "the page was not read again"):
        return
    browser.settle()
    expect(browser.js('document.querySelector("#rounds input").value') == "1", "the slider is back at the end")
    expect(browser.js(POINTS) == points, "the points of all rounds are back")
    expect(abs(browser.js("scrollY") - 500) < 30, "the page begins at the top again", browser.js("scrollY"))


def check_static(browser, run):
    for width in WIDTHS:
        browser.open(run.page, width)
        expect(browser.js('document.querySelectorAll("script").length') == 0, "a script without D3")
        expect(browser.js('document.documentElement.scrollWidth') <= width, "wider than %d pixels" % width)
        shown = browser.js('[...document.querySelectorAll("figure img")].map(one => one.complete && one.naturalWidth > 0)')
        expect(shown and all(shown), "figures are not shown", shown)
        expect("D3" in browser.js("document.body.innerText"), "it is not said why there is no interactive figure")
        expect(browser.js('document.querySelectorAll("table tr").length') >= len(run.trials), "not all trials are there")
        shown = browser.js('(document.getElementById("lr") || {}).value')
        expect(shown is not None and float(shown) == run.result["target"]["lr"], "another LR than in result.json", shown)
        check_contrast(browser, width, "light")
        expect(browser.errors() == [], "console", browser.errors())
    return "static"


def look(browser, run, width, scheme, shots):
    browser.open(run.page, width, scheme)
    ready = browser.js("Number(document.documentElement.dataset.ready)")
    expect(ready and ready > 0, "the page is not drawn")
    data = check_answer(browser, run)
    check_counts(browser, run, data)
    check_layout(browser, width)
    check_contrast(browser, width, scheme)
    check_inert(browser, data)
    if shots:
        shoot(browser, shots, width, scheme)
    if width == LAPTOP:
        check_hover(browser, data)
        check_zoom(browser)
        check_slider(browser, run, data)
        check_table(browser, run)
        check_keyboard(browser)
        check_theme(browser)
    return ready


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
            browser.open(run.page, LAPTOP)
            check_live(browser, run)
            expect(browser.errors() == [], "console", browser.errors())
        else:
            sizes = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]
            for width, scheme in [(LAPTOP, "light")] if "--quick" in flags else sizes:
                ready = look(browser, run, width, scheme, shots)
                measures.append("%d ms at %d" % (ready, width))
                expect(browser.errors() == [], "console at %d pixels, %s" % (width, scheme), browser.errors())
            if "--quick" not in flags:
                browser.open(run.page, LAPTOP)
                measures.append("%d printed pages" % check_print(browser))
    for failure in failures:
        print("FAILED: " + failure)
    print("%s: %d bytes, drawn after %s" % (folder, os.path.getsize(run.page), ", ".join(measures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
