// SPDX-License-Identifier: GPL-2.0-or-later
// The time line: what was in use over time, the snapshots, and what held most at the chosen one.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { amount, choice, clear, count, counted, element, signedAmount, status } from "./dom.js";
import { colour } from "./sizes.js";
import { makeTable } from "./tables.js";

const POINT = { serial: 0, ms: 1, bytes: 2, label: 3, number: 4 };
const SNAPSHOT = { number: 0, name: 1, serial: 2, ms: 3, bytes: 4, blocks: 5, lines: 6 };
const LINE = { name: 0, title: 1, file: 2, line: 3, bytes: 4, blocks: 5, change: 6 };
const HEIGHT = 260;
// Distances of ticks that are round numbers of KB and MB.
const BINARY = Array.from({ length: 60 }, (_, power) => 2 ** power);

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const nameOf = (snapshot) => (snapshot[SNAPSHOT.name] ? `${snapshot[SNAPSHOT.number]}, ${snapshot[SNAPSHOT.name]}` : `${snapshot[SNAPSHOT.number]}`);

function without(panel) {
  panel.append(element("h2", {}, "Time line"),
    element("p", {}, "This profile has no snapshots (--snapshot-every=50MB takes some), so there is no curve over time. The flame graph has the two moments that the file knows exactly: the end of the run and its peak."));
  return {};
}

// The largest lines at a snapshot, and those that changed most.
function linesOf(page, snapshot) {
  const rows = snapshot[SNAPSHOT.lines];
  const most = Math.max(1, ...rows.map((row) => row[LINE.bytes]));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Lines at the snapshot" }, element("table", { class: "held" },
    element("thead", {}, element("tr", {}, ["Bytes", "Change", "Blocks", "Line"].map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, rows.map((row) => {
      const name = element("span", { class: "place" }, row[LINE.name]);
      const bar = element("span", { class: "bar", "aria-hidden": true }, element("span", {}));
      bar.firstChild.style.width = `${(100 * row[LINE.bytes]) / most}%`;
      return element("tr", {}, element("td", { class: "figure" }, amount(row[LINE.bytes])),
        element("td", { class: "figure quiet" }, signedAmount(row[LINE.change])),
        element("td", { class: "figure quiet" }, counted(row[LINE.blocks], "block")),
        element("td", {}, bar, row[LINE.file] >= 0 && page.hasSource(row[LINE.file])
          ? element("button", { type: "button", class: "link", title: row[LINE.title], onclick: () => page.showSource(row[LINE.file], row[LINE.line]) }, name)
          : name));
    }))));
}

export function timeView(page, panel) {
  const { timeline, totals } = page.profile;
  if (!timeline) return without(panel);
  const { points, snapshots } = timeline;
  const plot = element("div", { class: "plot", "aria-hidden": true });
  const box = element("figure", { class: "curve", id: "time-curve" }, element("figcaption", {}, "Bytes in use"), plot);
  const said = status({ id: "time-said" });
  const lines = element("div", { id: "time-lines" });
  const place = element("div");
  let unit = "serial";
  let made = null;
  let table = null;
  let chosen = null;

  function show(snapshot) {
    chosen = snapshot;
    said.textContent = `Snapshot ${nameOf(snapshot)}: ${amount(snapshot[SNAPSHOT.bytes])} (${count(snapshot[SNAPSHOT.bytes])} bytes) in ${
      counted(snapshot[SNAPSHOT.blocks], "block")}, after allocation ${count(snapshot[SNAPSHOT.serial])} and ${seconds(snapshot[SNAPSHOT.ms])}`;
    clear(lines).append(linesOf(page, snapshot));
    if (made) made.redraw();
  }

  const at = (x) => snapshots.reduce((best, each) => (
    Math.abs(each[SNAPSHOT[unit]] - x) < Math.abs(best[SNAPSHOT[unit]] - x) ? each : best), snapshots[0]);

  // A line where the chosen snapshot is.
  function mark(drawn) {
    if (!chosen) return;
    const x = drawn.valToPos(chosen[SNAPSHOT[unit]], "x", true);
    drawn.ctx.save();
    drawn.ctx.strokeStyle = colour("--text");
    drawn.ctx.setLineDash([4, 4]);
    drawn.ctx.beginPath();
    drawn.ctx.moveTo(x, drawn.bbox.top);
    drawn.ctx.lineTo(x, drawn.bbox.top + drawn.bbox.height);
    drawn.ctx.stroke();
    drawn.ctx.restore();
  }

  function draw() {
    if (!box.isConnected) return;
    if (made) made.destroy();
    clear(plot);
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    // Several points may have one place, and uPlot wants each place once.
    const byPlace = new Map();
    for (const point of points) byPlace.set(point[POINT[unit]], Math.max(point[POINT.bytes], byPlace.get(point[POINT[unit]]) || 0));
    const x = [...byPlace.keys()].sort((a, b) => a - b);
    const peak = points.find((point) => point[POINT.label] === "peak" && !point[POINT.number]);
    const named = new Set(snapshots.filter((each) => each[SNAPSHOT.name]).map((each) => each[SNAPSHOT[unit]]));
    made = new uPlot({
      width: Math.max(280, box.clientWidth - 4), height: HEIGHT, legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.06 || 1] } },
      series: [{}, { stroke: colour("--bar"), width: 2, fill: `${colour("--bar")}33`, points: { show: x.length < 60, size: 5 } },
        { stroke: colour("--bad"), paths: () => null, points: { show: true, size: 9, fill: colour("--bad") } },
        { stroke: colour("--text"), paths: () => null, points: { show: true, size: 8, fill: colour("--bar") } }],
      axes: [{ ...axis, label: unit === "serial" ? "allocations" : "seconds", labelSize: 18, size: 34, grid: { show: false },
        values: (_, splits) => splits.map((value) => (unit === "serial" ? count(value) : value / 1000)), space: 90 },
      { ...axis, size: 80, incrs: BINARY, values: (_, splits) => splits.map((value) => (value ? amount(value) : "0")) }],
      hooks: { draw: [mark] },
    }, [x, x.map((each) => byPlace.get(each)), x.map((each) => (peak && each === peak[POINT[unit]] ? peak[POINT.bytes] : null)),
      x.map((each) => (named.has(each) ? byPlace.get(each) : null))], plot);
    made.over.addEventListener("click", () => {
      const snapshot = at(made.posToVal(made.cursor.left, "x"));
      table.deselectRow();
      table.selectRow(table.getRows().filter((row) => row.getData().number === snapshot[SNAPSHOT.number]));
      show(snapshot);
    });
  }

  panel.append(element("h2", {}, "Time line"),
    element("div", { class: "controls" }, choice("Along", [["serial", "allocations"], ["ms", "time"]], unit, (value) => {
      unit = value;
      draw();
    })),
    box, element("p", { class: "quiet" }, `The peak of ${amount(totals.peak_bytes)} is exact; between snapshots the curve is a straight line. A click chooses a snapshot.`),
    element("h3", {}, "Snapshots"), place, said, lines);
  if (timeline.left_out) panel.append(element("p", { class: "cut" }, `${counted(timeline.left_out, "more snapshot")} in the curve only; pymemcheck report FILE@NUMBER shows them.`));
  let before = 0;
  const data = snapshots.map((snapshot) => {
    const change = snapshot[SNAPSHOT.bytes] - before;
    before = snapshot[SNAPSHOT.bytes];
    return {
      name: nameOf(snapshot), title: "", number: snapshot[SNAPSHOT.number], serial: snapshot[SNAPSHOT.serial],
      seconds: snapshot[SNAPSHOT.ms] / 1000, bytes: snapshot[SNAPSHOT.bytes], blocks: snapshot[SNAPSHOT.blocks], change };
  });
  const secondsCell = (cell) => element("span", {}, cell.getValue().toFixed(1));
  const changeCell = (cell) => element("span", {}, signedAmount(cell.getValue()));
  table = makeTable(place, "Snapshots", [["name", "Snapshot", false], ["serial", "Allocs", true], ["seconds", "Time, s", true, secondsCell],
    ["bytes", "In use", true], ["blocks", "Blocks", true], ["change", "Change", true, changeCell]], data, "serial",
  (row) => show(snapshots.find((each) => each[SNAPSHOT.number] === row.number)), "asc");
  requestAnimationFrame(draw);
  show(snapshots.reduce((best, each) => (each[SNAPSHOT.bytes] > best[SNAPSHOT.bytes] ? each : best), snapshots[0]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", () => !panel.hidden && draw());
  return { shown: () => made && draw() };
}
