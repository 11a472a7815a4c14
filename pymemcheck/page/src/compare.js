// SPDX-License-Identifier: GPL-2.0-or-later
// What two profiles have different.
import { METRIC_NAMES, METRIC_SHORT, amount, choice, clear, count, counted, element, signed, signedAmount } from "./dom.js";
import { makeTable } from "./tables.js";

const TOTALS = [["live_bytes", "In use at the end"], ["live_blocks", "Blocks in use at the end"], ["peak_bytes", "At the peak"],
  ["bytes", "Allocated in all"], ["allocs", "Allocations"]];
const GROUPS = [["line", "Line"], ["function", "Function"], ["file", "File"]];

const changeCell = (cell) => element("span", { class: cell.getValue() > 0 ? "more-bytes" : "fewer-bytes" }, signed(cell.getValue()));

function totalsTable(old, totals) {
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Totals of both runs" }, element("table", { class: "plain" },
    element("thead", {}, element("tr", {}, ["", "Older", "This", "Change"].map((text) => (text ? element("th", { scope: "col" }, text) : element("td"))))),
    element("tbody", {}, TOTALS.map(([key, name]) => element("tr", {}, element("th", { scope: "row" }, name),
      element("td", { class: "figure" }, count(old[key])), element("td", { class: "figure" }, count(totals[key])),
      element("td", { class: "figure" }, signed(totals[key] - old[key])))))));
}

export function compareView(page, panel) {
  const { comparison, totals } = page.profile;
  const chosen = { metric: page.metric, group: "line" };
  const place = element("div");
  const cut = element("p", { class: "cut" });
  let table = null;

  function show() {
    if (table) table.destroy();
    clear(place);
    const changes = comparison.tables[chosen.group][chosen.metric];
    const data = changes.rows.map(([name, title, before, after, change, blocks, moved]) => ({
      name: moved ? `${name}, before line ${moved}` : name, title, before, after, change, blocks, size: Math.abs(change) }));
    table = makeTable(place, "Changes", [["name", GROUPS.find(([group]) => group === chosen.group)[1], false], ["before", "Older", true],
      ["after", "This", true], ["change", "Change", true, changeCell], ["blocks", "Blocks", true, changeCell]], data, "change");
    cut.textContent = changes.left_out
      ? `${counted(changes.left_out, "row")} with smaller changes left out, together ${signedAmount(changes.rest[0])}.` : "";
  }

  const change = (key) => (value) => {
    chosen[key] = value;
    show();
  };
  panel.append(element("h2", {}, "Comparison"), element("p", { class: "quiet" }, `Older run: ${comparison.command} (${comparison.file})`),
    totalsTable(comparison.totals, totals));
  if (comparison.gone.length) {
    const gone = element("ul", {}, comparison.gone.map(([what, where, bytes, fingerprint]) =>
      element("li", {}, `${amount(bytes)}: ${what} at ${where} `, element("code", {}, fingerprint))));
    panel.append(element("h3", {}, "Leaks that are gone"), comparison.gone.length <= 5 ? gone
      : element("details", {}, element("summary", {}, counted(comparison.states.gone, "record")), gone));
  }
  panel.append(element("h3", {}, "What changed"), element("div", { class: "controls" },
    choice("Bytes", Object.keys(METRIC_SHORT).map((metric) => [metric, METRIC_NAMES[metric]]), chosen.metric, change("metric")),
    choice("Sum by", GROUPS, chosen.group, change("group"))), place, cut);
  show();
  return {};
}
