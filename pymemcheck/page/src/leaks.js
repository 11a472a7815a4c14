// SPDX-License-Identifier: GPL-2.0-or-later
// What leaks: one card for each loss record.
import { amount, count, counted, element } from "./dom.js";

// The source around a line; marked is the number of the line that is meant.
export function excerpt([start, texts], marked) {
  // Empty lines at either end are left out.
  let [from, to] = [0, texts.length];
  while (!texts[from].trim() && start + from < marked) from++;
  while (!texts[to - 1].trim() && start + to - 1 > marked) to--;
  const first = start + from;
  const lines = texts.slice(from, to);
  // The common indentation says nothing.
  const indents = lines.filter((line) => line.trim()).map((line) => line.match(/^ */)[0].length);
  const indent = Math.min(...indents, 40);
  return element("pre", { class: "excerpt", tabindex: 0, "aria-label": `Source around line ${marked}` }, lines.map((line, index) =>
    element(first + index === marked ? "mark" : "span", { class: "line" },
      element("span", { class: "number" }, `${first + index} `), `${line.slice(indent)}\n`)));
}

function types(record) {
  if (!record.types.length) return null;
  return element("div", {}, element("h4", {}, "Types"), element("ul", { class: "types" }, record.types.map(([name, blocks]) =>
    element("li", {}, element("code", {}, name), ` × ${count(blocks)}`)),
  record.more_types > 0 && element("li", {}, `and ${counted(record.more_types, "more type")}`)));
}

function chain(record) {
  if (!record.chain.length) return null;
  return element("div", {}, element("h4", {}, "Why it is alive"), element("ol", { class: "chain" },
    record.chain.map((line) => element("li", {}, element("code", {}, line)))));
}

function stack(record) {
  const PYTHON = 0;
  const python = record.frames.filter(([kind]) => kind === PYTHON);
  const list = (frames) => element("ol", { class: "stack" }, frames.map(([kind, text]) =>
    element("li", { class: kind === PYTHON ? "python" : "native" }, element("code", {}, text.replace(/^\[ (.*) \]$/, "$1")))));
  return element("div", {}, element("h4", {}, "Allocated at"),
    python.length ? list(python) : null,
    record.frames.length > python.length && element("details", {},
      element("summary", {}, python.length ? `With C functions (${counted(record.frames.length, "frame")})` : counted(record.frames.length, "C frame")),
      list(record.frames)));
}

// Who took references and did not give them back, of objects that were watched.
function balance({ balance: found }) {
  if (!found) return null;
  const where = (native, python) => [element("code", {}, native), python && [" ", element("span", { class: "python" }, python)]];
  return element("div", { class: "balance" },
    found.rows.length > 0 && [element("h4", {}, found.title.replace(/^./, (letter) => letter.toUpperCase())),
      element("ol", {}, found.rows.map(([places, evidence]) => element("li", {},
        places.map(([amount, native, python]) => element("div", {}, element("span", { class: "figure" }, amount), " ", where(native, python))),
        element("span", { class: "quiet small" }, evidence)))),
      found.more_rows > 0 && element("p", { class: "quiet small" }, `and ${counted(found.more_rows, "other function")}`)],
    found.explained.length > 0 && [element("h4", {}, "Explained by pointers that were found"),
      element("ul", {}, found.explained.map(([native, python, references]) => element("li", {},
        element("span", { class: "figure" }, count(references)), " ", where(native, python)))),
      found.held_by && element("p", { class: "quiet small" }, "Held by ", element("code", {}, found.held_by))],
    found.notes.map((note) => element("p", { class: "quiet small" }, note)));
}

function facts(record) {
  const parts = [record.kind_text];
  if (record.surplus) parts.push(`${counted(record.surplus, "surplus reference")}`);
  if (record.missing) parts.push(`at least ${counted(record.missing, "reference")} too few`);
  if (record.dangling) parts.push(`${counted(record.dangling, "pointer")} to freed memory`);
  parts.push(`${count(record.bytes)} bytes in ${counted(record.blocks, "block")}`);
  if (record.indirect_blocks) parts.push(`and only these keep ${count(record.indirect_bytes)} bytes in ${counted(record.indirect_blocks, "block")}`);
  if (record.thread !== 1) parts.push(record.thread ? `thread ${record.thread}` : "several threads");
  for (const [phase, blocks] of record.phases) {
    if (phase !== "main") parts.push(`${counted(blocks, "block")} while ${phase === "import" ? "a module was imported" : "the interpreter ended"}`);
  }
  if (record.raising) parts.push(`${counted(record.raising, "block")} while an exception was raised`);
  return parts.join(" · ");
}

const STATES = { new: "new", grown: "grown", shrunk: "smaller than before", same: "as before" };

function card(page, record, level, open) {
  const label = page.profile.labels[record.label];
  const opensSource = label && page.hasSource(label[3]);
  return element("details", { class: `leak ${record.state || ""}`, open, "data-fingerprint": record.fingerprint },
    element("summary", {}, element(level, {},
      element("span", { class: "size" }, amount(record.bytes + record.indirect_bytes)), " ",
      element("span", { class: "what" }, record.what), " at ", element("span", { class: "place", title: record.full }, record.place),
      record.state && element("span", { class: `badge ${record.state}` }, STATES[record.state])),
    element("span", { class: "quiet" }, facts(record))),
    record.was && record.state !== "same" && element("p", { class: "quiet" }, `Before: ${count(record.was[0])} bytes in ${counted(record.was[1], "block")}`),
    record.note && element("p", { class: "quiet" }, "First object: ", element("code", {}, record.note)),
    balance(record),
    element("div", { class: "columns" }, record.source && element("div", { class: "wide" }, excerpt(record.source, label[4])),
      stack(record), chain(record), types(record)),
    element("p", { class: "quiet small" }, "Fingerprint ", element("code", {}, record.fingerprint),
      opensSource && [" · ", element("button", { type: "button", class: "link", onclick: () => page.showSource(label[3], label[4], "leaked") }, "Open the source here")]));
}

// How many cards there are before one asks for more, and how many of them are open.
const FIRST = 20;
const OPEN = 3;

function cards(page, search, level) {
  const box = element("div", { class: "leaks" });
  const { records, rest } = search;
  const show = (some) => some.forEach((record) => box.append(card(page, record, level, box.children.length < OPEN)));
  show(records.slice(0, FIRST));
  if (records.length > FIRST) {
    const others = records.slice(FIRST);
    const size = others.reduce((sum, record) => sum + record.bytes + record.indirect_bytes, 0);
    box.append(element("button", {
      type: "button", class: "more",
      onclick: (event) => {
        const at = box.children.length - 1;
        event.target.remove();
        show(others);
        box.children[at].firstChild.focus();
      },
    }, `Show ${counted(others.length, "more record")} with ${amount(size)}`));
  }
  if (rest[0]) box.append(element("p", { class: "cut" }, `${counted(rest[0], "record")} with ${amount(rest[1])} are not in this page; see pymemcheck report.`));
  return box;
}

function compared(comparison) {
  if (!comparison) return null;
  const { states } = comparison;
  const parts = [["new", "new"], ["grown", "grown"], ["shrunk", "smaller"], ["same", "as before"], ["gone", "gone"]]
    .filter(([state]) => states[state]).map(([state, text]) => `${count(states[state])} ${text}`);
  return element("p", {}, `Against the older run: ${parts.join(", ") || "no leaks in either"}.`);
}

export function leaksView(page) {
  const { leaks, comparison } = page.profile;
  const box = element("section", { class: "block", id: "leaks" }, element("h2", {}, "What leaks"), compared(comparison));
  if (!leaks.length) box.append(element("p", {}, "Not known: the run made no leak search (--leak-check=no)."));
  leaks.forEach((search, index) => {
    if (leaks.length > 1) box.append(element("h3", {}, index ? `Found only ${search.when}` : `Found ${search.when}`));
    if (search.records.length) box.append(cards(page, search, leaks.length > 1 ? "h4" : "h3"));
    else box.append(element("p", { class: "good" }, leaks.length > 1 ? (search.above ? "Nothing more." : "Nothing.") : "Nothing leaks."));
    if (search.above) box.append(element("p", { class: "quiet" }, `${counted(search.above, "record")} of those above ${search.above === 1 ? "was" : "were"} found then, too.`));
  });
  return box;
}
