// SPDX-License-Identifier: GPL-2.0-or-later
// The program's source with the bytes of each line.
import { METRIC_NAMES, amount, choice, clear, count, counted, element, status } from "./dom.js";

const METRICS = ["live", "peak", "total", "leaked"];

export function sourceView(page, panel) {
  const { sources, files, has_source: hasSource, sources_left_out: leftOut } = page.profile;
  panel.append(element("h2", {}, "Source"));
  if (!hasSource || !sources.length) {
    panel.append(element("p", {}, hasSource ? "No source file of the program was found where the profile says (--source=FOLDER looks elsewhere)."
      : "The page was made without source (--no-source)."));
    return {};
  }
  let { metric } = page;
  let shownFile = null;
  const names = element("select", { id: "source-file", onchange: () => show(Number(names.value)) },
    sources.map((source, index) => element("option", { value: index }, files[source.file][0])));
  const body = element("div", { class: "scroll source", tabindex: 0, role: "region", "aria-label": "Source" });
  const path = status();

  function show(index) {
    shownFile = index;
    names.value = index;
    const source = sources[index];
    path.textContent = `${files[source.file][1]} · ${counted(source.count, "line")}`;
    const figures = new Map(source.figures.map(([line, ...values]) => [line, values]));
    const own = METRICS.indexOf(metric);
    const most = Math.max(1, ...source.figures.map((line) => line[1 + own]));
    const rows = [];
    let before = 0;
    for (const [number, text] of source.lines) {
      if (number !== before + 1) rows.push(element("tr", { class: "gap" }, element("td", { colspan: 4 }, `lines ${before + 1} to ${number - 1} are not in this page`)));
      before = number;
      const values = figures.get(number);
      const bytes = values ? values[own] : 0;
      const called = values ? values[own + METRICS.length] : 0;
      const row = element("tr", { id: `line-${number}` },
        element("td", { class: "figure", title: bytes ? `${count(bytes)} bytes` : undefined }, bytes ? amount(bytes) : ""),
        element("td", { class: "figure quiet", title: called ? `${count(called)} bytes` : undefined }, called ? amount(called) : ""),
        element("td", { class: "number" }, number), element("td", { class: "code" }, text));
      if (bytes) row.style.setProperty("--heat", `${Math.round(8 + (34 * bytes) / most)}%`);
      if (bytes) row.classList.add("hot");
      rows.push(row);
    }
    clear(body).append(element("table", {}, element("thead", {}, element("tr", {},
      ["Own bytes", "With calls", "Line", "Code"].map((text) => element("th", { scope: "col" }, text)))), element("tbody", {}, rows)));
    body.scrollTop = 0;
  }

  function go(file, line, wanted) {
    if (wanted) {
      metric = wanted;
      panel.querySelectorAll("fieldset input").forEach((input) => {
        input.checked = input.value === wanted;
      });
    }
    show(sources.findIndex((source) => source.file === file));
    const row = line && body.querySelector(`#line-${line}`);
    if (!row) return;
    row.classList.add("meant");
    body.scrollTop = row.offsetTop - body.clientHeight / 3;
  }

  panel.append(element("div", { class: "controls" },
    element("label", { for: "source-file" }, "File ", names),
    choice("Bytes", METRICS.map((each) => [each, METRIC_NAMES[each]]), metric, (value) => {
      metric = value;
      show(shownFile);
    })), path, body);
  if (leftOut) panel.append(element("p", { class: "cut" }, `${counted(leftOut, "more file")} with smaller figures or without readable source.`));
  show(0);
  return { go };
}
