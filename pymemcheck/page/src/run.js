// SPDX-License-Identifier: GPL-2.0-or-later
// Facts about the run, and the licences of the libraries.
import { element } from "./dom.js";

export function runView(page, panel, licences) {
  const { run } = page.profile;
  const facts = [["Command", run.command], ["Python", run.python || "none"], ["How it ended", run.end], ["Process", run.pid],
    ["Profile", run.file], ["pymemcheck", run.tool], ["Valgrind", run.valgrind],
    ["Small objects", run.pymalloc ? "hidden in pymalloc's arenas (--pymalloc=yes)" : "each seen by itself"],
    ["CPython's debug hooks", run.debug_hooks ? "padded some requests; the padding is not in these figures" : "not used"]];
  panel.append(element("h2", {}, "Run"), element("table", { class: "plain" }, element("tbody", {}, facts.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value))))),
  element("details", {}, element("summary", {}, "Licences of the libraries in this page"), element("pre", { class: "licences", tabindex: 0, role: "region", "aria-label": "Licences" }, licences)));
}
