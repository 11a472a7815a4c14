// SPDX-License-Identifier: GPL-2.0-or-later
// Sortable tables of sums by group, with the sizes of what is selected.
import { TabulatorFull as Tabulator } from "tabulator-tables";
import "tabulator-tables/dist/css/tabulator_simple.css";
import { METRIC_NAMES, METRIC_SHORT, amount, choice, count, counted, element, clear, status } from "./dom.js";
import { sizeHistogram } from "./sizes.js";

// Where the columns of a row are; blocks follow the bytes of each metric.
export const COLUMN = { name: 0, title: 1, live: 2, peak: 4, total: 6, leaked: 8, sizes: 10, file: 11, line: 12 };
const METRICS = ["live", "peak", "total", "leaked"];
const GROUP_NAMES = {
  line: "Line", function: "Function", file: "File", module: "Module", caller: "C function", type: "Type", thread: "Thread",
  domain: "Domain", phase: "Phase",
};

export function sumOfTable(table, metric) {
  const place = COLUMN[metric];
  return table.rows.reduce((sum, row) => sum + row[place], table.rest[place - COLUMN.live] || 0);
}

// A cell as text: without this, the library would take a name for markup.
export const textCell = (cell) => element("span", { title: cell.getData().title || undefined }, cell.getValue());
export const numberCell = (cell) => element("span", {}, count(cell.getValue()));

// Makes a table that keyboard and screen reader can use. columns: [field, title, isNumber, formatter].
export function makeTable(parent, label, columns, data, sortedBy, select, direction = "desc") {
  const box = element("div", { class: "grid" });
  parent.append(box);
  const table = new Tabulator(box, {
    data,
    layout: "fitColumns",
    maxHeight: "62vh",
    height: data.length > 14 ? "62vh" : undefined,
    selectableRows: select ? 1 : false,
    placeholder: "Nothing",
    initialSort: [{ column: sortedBy, dir: direction }],
    columns: columns.map(([field, title, isNumber, formatter]) => ({
      field, title, headerTooltip: false, resizable: "header",
      formatter: formatter || (isNumber ? numberCell : textCell),
      hozAlign: isNumber ? "right" : "left", headerHozAlign: isNumber ? "right" : "left",
      sorter: isNumber ? "number" : "string", headerSortStartingDir: isNumber ? "desc" : "asc",
      minWidth: isNumber ? 108 : 240, widthGrow: isNumber ? 1 : 5,
    })),
  });
  const dress = () => dressTable(box, label, table, select);
  table.on("tableBuilt", dress);
  table.on("renderComplete", dress);
  table.on("dataSorted", () => setTimeout(dress));
  if (select) {
    table.on("rowSelected", (row) => select(row.getData()));
    box.addEventListener("keydown", (event) => moveInTable(event, table));
  }
  return table;
}

// The library's roles leave out what ARIA asks for: names, and rows that can be reached.
function dressTable(box, label, table, select) {
  box.setAttribute("aria-label", label);
  box.querySelectorAll(".tabulator-col").forEach((head) => {
    head.tabIndex = 0;
    if (!head.dataset.keys) {
      head.dataset.keys = "yes";
      head.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        const field = head.getAttribute("tabulator-field");
        table.setSort(field, head.getAttribute("aria-sort") === "descending" ? "asc" : "desc");
      });
    }
  });
  const holder = box.querySelector(".tabulator-tableholder");
  if (holder) holder.removeAttribute("tabindex");
  const rows = [...box.querySelectorAll(".tabulator-row")];
  const reached = rows.find((row) => row.classList.contains("tabulator-selected")) || rows[0];
  rows.forEach((row) => {
    row.tabIndex = row === reached ? 0 : -1;
  });
}

function moveInTable(event, table) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = table.getRows("active");
  const selected = table.getSelectedRows()[0];
  const at = selected ? rows.indexOf(selected) + step : 0;
  if (at < 0 || at >= rows.length) return;
  event.preventDefault();
  table.deselectRow();
  rows[at].select();
  table.scrollToRow(rows[at], "nearest", false).catch(() => {});
}

function asData(table) {
  return table.rows.map((row) => ({
    name: row[COLUMN.name], title: row[COLUMN.title], sizes: row[COLUMN.sizes], file: row[COLUMN.file], line: row[COLUMN.line],
    average: row[COLUMN.total + 1] ? Math.round(row[COLUMN.total] / row[COLUMN.total + 1]) : 0,
    ...Object.fromEntries(METRICS.flatMap((metric) => [[metric, row[COLUMN[metric]]], [`${metric}_blocks`, row[COLUMN[metric] + 1]]])),
  }));
}

export function tablesView(page, panel) {
  const { tables } = page.profile;
  const groups = Object.keys(GROUP_NAMES).filter((group) => tables[group]);
  const place = element("div");
  const cut = element("p", { class: "cut" });
  const all = element("p", { class: "quiet", id: "table-sums" });
  const said = status();
  const sizes = element("div");
  const filter = element("input", { type: "search", id: "table-filter", autocomplete: "off" });
  let table = null;
  let built = false;       // the library takes no filter before
  let known = METRICS;     // not every group is known of everything

  function select(row) {
    said.textContent = `${row.name}: ${known.map((metric) => `${amount(row[metric])} ${METRIC_NAMES[metric]}`).join(", ")}`;
    clear(sizes).append(
      known.includes("total") ? sizeHistogram(row.sizes, `Sizes of the requests of ${row.name}`, row.total_blocks > 0) : "",
      row.file >= 0 && page.hasSource(row.file)
        ? element("button", { type: "button", class: "more", onclick: () => page.showSource(row.file, row.line) }, "Open the source") : "");
  }

  function show(group) {
    if (table) table.destroy();
    clear(place);
    clear(sizes);
    known = METRICS.filter((metric) => tables[group].metrics.includes(metric));
    said.textContent = known.includes("total") ? "Select a row to see the sizes of its requests." : "";
    const columns = [["name", GROUP_NAMES[group], false]];
    const more = { live: [["live_blocks", "Blocks"]], total: [["total_blocks", "Requests"], ["average", "Average"]],
      leaked: known.includes("total") ? [] : [["leaked_blocks", "Leaked blocks"]] };
    for (const metric of known) {
      columns.push([metric, METRIC_SHORT[metric], true]);
      for (const [field, title] of more[metric] || []) columns.push([field, title, true]);
    }
    table = makeTable(place, `Sums by ${GROUP_NAMES[group]}`, columns, asData(tables[group]),
      known.includes(page.metric) ? page.metric : known[0], select);
    built = false;
    table.on("tableBuilt", () => {
      built = true;
      applyFilter();
    });
    const { left_out: left, rest } = tables[group];
    all.textContent = `All rows: ${known.map((metric) => `${count(sumOfTable(tables[group], metric))} bytes ${METRIC_NAMES[metric]}`).join(", ")}.`;
    cut.textContent = left
      ? `${counted(left, "smaller row")} left out, with ${known.map((metric) => `${amount(rest[2 * METRICS.indexOf(metric)])} ${METRIC_NAMES[metric]}`).join(", ")}.` : "";
  }

  function applyFilter() {
    const words = filter.value.toLowerCase();
    if (!built) return;
    if (words) table.setFilter((row) => row.title.toLowerCase().includes(words));
    else if (table.getFilters().length) table.clearFilter();
  }

  filter.addEventListener("input", applyFilter);
  panel.append(element("h2", {}, "Tables"),
    element("div", { class: "controls" },
      choice("Sum by", groups.map((group) => [group, GROUP_NAMES[group]]), groups[0], show),
      element("label", { class: "search", for: "table-filter" }, "Only names with ", filter)),
    place, all, cut, said, sizes);
  if (groups.length) show(groups[0]);
  else panel.append(element("p", {}, "The run allocated nothing."));
  return { shown: () => built && table.redraw(true) };
}
