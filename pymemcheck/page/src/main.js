// SPDX-License-Identifier: GPL-2.0-or-later
// The page: its head, the tabs, and what they show. A tab is filled when it is first opened.
import { amount, clear, count, counted, element, signedAmount } from "./dom.js";
import { compareView } from "./compare.js";
import { flameView } from "./flame.js";
import { heldView } from "./held.js";
import { leaksView } from "./leaks.js";
import { runView } from "./run.js";
import { sourceView } from "./source.js";
import { tablesView } from "./tables.js";
import { timeView } from "./time.js";
// After those of the libraries, which it overrides.
import "./page.css";

// With less than this share of the peak in use at the end, views begin with the peak.
const LITTLE = 0.05;

const read = (id) => JSON.parse(document.getElementById(id).textContent);

function card(title, value, detail, change, bad) {
  return element("div", { class: bad ? "card bad" : "card" }, element("dt", {}, title), element("dd", {}, value),
    element("dd", { class: "detail" }, detail), change !== undefined && element("dd", { class: "detail" }, change));
}

function head(profile) {
  const { run, totals, leaks, comparison } = profile;
  const before = (key) => (comparison ? `${signedAmount(totals[key] - comparison.totals[key])} since the older run` : undefined);
  const sum = (of) => leaks.reduce((all, search) => all + of(search), 0);
  const records = sum((search) => search.records.length + search.rest[0]);
  const leaked = leaks.length
    ? card(leaks[0].when === "at the end" ? "Leaks" : "Leaks before finalization", records ? counted(records, "record") : "none",
      `${amount(sum((search) => search.bytes))} in ${counted(sum((search) => search.blocks), "block")}`, undefined, records > 0)
    : card("Leaks", "not known", "the run made no leak search");
  return element("header", {},
    element("h1", {}, run.command || "pymemcheck"),
    element("p", { class: "quiet" }, [run.python || "no Python", run.end, `${(run.elapsed_ms / 1000).toFixed(1)} s under Valgrind`,
      `process ${run.pid}`].join(" · ")),
    run.troubles.map(([name, value]) => element("p", { class: "trouble" }, `Trouble: ${count(value)} ${name} (docs/manual.md)`)),
    run.notes.map((note) => element("p", { class: "trouble" }, note)),
    element("dl", { class: "cards" }, leaked,
      card("In use at the end", amount(totals.live_bytes), counted(totals.live_blocks, "block"), before("live_bytes")),
      card("At the peak", amount(totals.peak_bytes), counted(totals.peak_blocks, "block"), before("peak_bytes")),
      card("Allocated in all", amount(totals.bytes), counted(totals.allocs, "allocation"), before("bytes"))));
}

// Tabs as the ARIA authoring practices have them: arrows move, the panel follows.
function tabs(views, opened) {
  const list = element("div", { role: "tablist", "aria-label": "Views of the profile" });
  const panels = element("main");
  const shown = new Map();

  function open(name, focus) {
    for (const tab of list.children) {
      const chosen = tab.dataset.view === name;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) tab.focus();
      document.getElementById(`panel-${tab.dataset.view}`).hidden = !chosen;
    }
    if (!shown.has(name)) {
      const panel = document.getElementById(`panel-${name}`);
      shown.set(name, views.get(name).make(panel) || {});
    }
    const view = shown.get(name);
    if (view.shown) view.shown();
    return view;
  }

  for (const [name, { title }] of views) {
    list.append(element("button", {
      role: "tab", type: "button", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => open(name),
    }, title));
    list.lastChild.dataset.view = name;
    panels.append(element("section", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, tabindex: 0, hidden: true }));
  }
  list.addEventListener("keydown", (event) => {
    const names = [...views.keys()];
    const at = names.indexOf(document.activeElement.dataset.view);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    open(names[(to + names.length) % names.length], true);
  });
  document.body.append(element("nav", {}, list), panels);
  open(opened);
  return open;
}

function start() {
  const profile = read("profile");
  document.title = `pymemcheck: ${profile.run.command}`.slice(0, 120);
  document.body.append(head(profile));
  const page = { profile, metric: profile.totals.live_bytes < LITTLE * profile.totals.peak_bytes ? "peak" : "live" };
  const views = new Map([
    ["summary", { title: "Summary", make: (panel) => panel.append(leaksView(page), heldView(page)) }],
    ["flame", { title: "Flame graph", make: (panel) => flameView(page, panel) }],
    ["tables", { title: "Tables", make: (panel) => tablesView(page, panel) }],
    ["source", { title: "Source", make: (panel) => sourceView(page, panel) }],
    ...(profile.comparison ? [["compare", { title: "Comparison", make: (panel) => compareView(page, panel) }]] : []),
    ["time", { title: "Time line", make: (panel) => timeView(page, panel) }],
    ["run", { title: "Run", make: (panel) => runView(page, panel, read("licences")) }],
  ]);
  // Opens the source at a line; file is a number.
  page.showSource = (file, line, metric) => page.open("source", true).go(file, line, metric);
  page.hasSource = (file) => profile.sources.some((source) => source.file === file);
  page.open = tabs(views, "summary");
}

clear(document.querySelector("noscript"));
start();
