"use strict";
(() => {
  const tip = document.getElementById("tip"), table = document.getElementById("all");
  const head = [...table.tHead.rows[0].cells], titles = head.map(cell => cell.textContent);
  const row = trial => document.getElementById("t" + trial);
  let here = null;

  // A trial's row of the table as lines: title, value.
  function tell(trial) {
    const found = row(trial);
    if (!found) return "trial " + trial;
    return [...found.cells].map((cell, i) => [titles[i], cell.textContent.trim()])
      .filter(pair => pair[1] !== "").map(pair => pair.join(" ")).join("\n");
  }
  function show(mark, x, y) {
    if (here) here.classList.remove("here");
    here = mark;
    tip.hidden = !mark;
    if (!mark) return;
    mark.classList.add("here");
    tip.textContent = tell(mark.dataset.t);
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 4)) + "px";
    tip.style.top = Math.max(4, y + 14 + box.height > innerHeight ? y - box.height - 10 : y + 14) + "px";
  }
  function jump(mark) {
    const found = row(mark.dataset.t);
    if (!found) return;
    found.hidden = false;
    for (const old of table.querySelectorAll("tr.here")) old.classList.remove("here");
    found.classList.add("here");
    found.scrollIntoView({block: "center"});
  }

  for (const plot of document.querySelectorAll(".plot")) {
    let order = null;
    const center = mark => {
      const box = mark.getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    plot.addEventListener("pointerover", event => {
      const mark = event.target.closest("[data-t]");
      if (mark) show(mark, event.clientX, event.clientY);
    });
    plot.addEventListener("pointerout", () => show(null));
    plot.addEventListener("click", event => {
      const mark = event.target.closest("[data-t]");
      if (mark) jump(mark);
    });
    plot.addEventListener("blur", () => show(null));
    plot.addEventListener("keydown", event => {
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (event.key === "Escape") show(null);
      if (event.key === "Enter" && here) jump(here);
      if (!step) return;
      order = order || [...plot.querySelectorAll("[data-t]")].map(mark => [mark, ...center(mark)])
        .sort((a, b) => a[1] - b[1] || a[2] - b[2]).map(entry => entry[0]);
      const seen = order.filter(mark => !mark.classList.contains("off"));
      if (seen.length === 0) return;
      event.preventDefault();
      const at = seen.indexOf(here);
      const next = seen[at < 0 ? (step > 0 ? 0 : seen.length - 1) : (at + step + seen.length) % seen.length];
      show(next, ...center(next));
    });
  }

  // A slider that hides the trials of later rounds in the basins.
  const tools = document.querySelector(".rounds"), basins = document.getElementById("basins");
  const column = titles.indexOf("round");
  const marks = basins ? [...basins.querySelectorAll("[data-t]")] : [];
  const round_of = trial => row(trial) ? Number(row(trial).cells[column].textContent) : 1;
  const last = marks.reduce((most, mark) => Math.max(most, round_of(mark.dataset.t)), 1);
  if (tools && last > 1) {
    const slider = tools.querySelector("input"), said = tools.querySelector("output");
    tools.hidden = false;
    slider.max = slider.value = last;
    const update = () => {
      said.textContent = slider.value + " of " + last;
      for (const mark of marks) {
        const off = round_of(mark.dataset.t) > Number(slider.value);
        mark.classList.toggle("off", off);
        const label = mark.nextElementSibling; // the round's number
        if (label && label.tagName === "text") label.classList.toggle("off", off);
      }
    };
    slider.addEventListener("input", update);
    update();
  }

  // Sorting: numbers by value (131k too), other texts last. The style shows only the first rows of a
  // long table, so rows that the filter hides go last.
  const units = {k: 1e3, M: 1e6, B: 1e9, T: 1e12};
  const value = text => text === "" ? NaN : Number(text.replace(/[kMBT]$/, "")) * (units[text.slice(-1)] || 1);
  const body = table.tBodies[0];
  let rows = [...body.rows];
  const place = () => body.replaceChildren(...rows.filter(line => !line.hidden), ...rows.filter(line => line.hidden));
  head.forEach((cell, i) => cell.firstElementChild.addEventListener("click", () => {
    const down = cell.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
    for (const other of head) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = rows.map(line => {
      const text = line.cells[i].textContent.trim();
      return [line, value(text), text];
    });
    keyed.sort((a, b) => isNaN(a[1]) - isNaN(b[1]) ||
      sign * (isNaN(a[1]) ? a[2].localeCompare(b[2]) : a[1] - b[1]));
    rows = keyed.map(key => key[0]);
    place();
  }));
  const more = document.getElementById("more");
  if (more) more.addEventListener("click", () => {
    table.classList.remove("cut");
    more.remove();
  });

  // Filtering: shows the rows that contain every word.
  const filter = document.getElementById("filter"), shown = document.getElementById("shown");
  const texts = new Map();
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const line of rows) {
      if (!texts.has(line))
        texts.set(line, [...line.cells].map(cell => cell.textContent.trim().toLowerCase()));
      line.hidden = !words.every(word => texts.get(line).some(text => text.includes(word)));
      count += !line.hidden;
    }
    shown.textContent = count + " of " + rows.length;
    place();
  });
  if (filter.value) filter.dispatchEvent(new Event("input")); // kept by the browser over a reload
})();
