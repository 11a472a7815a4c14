// SPDX-License-Identifier: GPL-2.0-or-later
// What holds memory: the lines with most of it, as bars.
import { amount, choice, clear, count, counted, element, percent } from "./dom.js";
import { COLUMN, sumOfTable } from "./tables.js";

const SHOWN = 12;

function row(page, table, metric, most, all) {
  const file = table[COLUMN.file];
  const name = element("span", { class: "place" }, table[COLUMN.name]);
  const bytes = table[COLUMN[metric]];
  const bar = element("span", { class: "bar", "aria-hidden": true }, element("span", {}));
  bar.firstChild.style.width = `${Math.max(0.3, (100 * bytes) / most)}%`;
  return element("tr", {},
    element("td", { class: "figure" }, amount(bytes)), element("td", { class: "figure quiet" }, percent(bytes, all)),
    element("td", { class: "figure quiet" }, counted(table[COLUMN[metric] + 1], "block")),
    element("td", {}, bar, file >= 0 && page.hasSource(file)
      ? element("button", { type: "button", class: "link", title: table[COLUMN.title], onclick: () => page.showSource(file, table[COLUMN.line]) }, name)
      : name));
}

export function heldView(page) {
  const { totals, tables } = page.profile;
  const lines = tables.line || { rows: [], rest: [], left_out: 0 };
  const body = element("div");

  function show(metric) {
    const rows = lines.rows.filter((each) => each[COLUMN[metric]] > 0).sort((a, b) => b[COLUMN[metric]] - a[COLUMN[metric]]);
    const all = sumOfTable(lines, metric);
    const shown = rows.slice(0, SHOWN);
    const inShown = shown.reduce((sum, each) => sum + each[COLUMN[metric]], 0);
    clear(body);
    if (!rows.length) {
      body.append(element("p", {}, "Nothing."));
      return;
    }
    body.append(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Lines that hold most" }, element("table", { class: "held" },
      element("thead", {}, element("tr", {}, ["Bytes", "Share", "Blocks", "Line"].map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, shown.map((each) => row(page, each, metric, shown[0][COLUMN[metric]], all))))));
    if (all > inShown) {
      body.append(element("p", { class: "cut" }, `All other lines together: ${amount(all - inShown)} (${count(all - inShown)} bytes). `,
        element("button", { type: "button", class: "link", onclick: () => page.open("tables", true) }, "All lines in the table")));
    }
  }

  const { metric } = page;
  show(metric);
  return element("section", { class: "block", id: "held" }, element("h2", {}, "What holds memory"),
    element("div", { class: "controls" }, choice("When", [["live", "at the end"], ["peak", "at the peak"], ["total", "allocated in all"]], metric, show)),
    metric === "peak" && element("p", { class: "quiet" }, `Little is in use at the end (${amount(totals.live_bytes)}), so this begins with the peak.`),
    body);
}
