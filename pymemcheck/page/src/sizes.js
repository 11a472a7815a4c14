// SPDX-License-Identifier: GPL-2.0-or-later
// How large requests were: bars by power of two.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { count, element } from "./dom.js";

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function range(exponent) {
  if (exponent < 0) return "0";
  const low = 2 ** exponent;
  const text = (bytes) => (bytes >= 2 ** 20 ? `${bytes / 2 ** 20}M` : bytes >= 1024 ? `${bytes / 1024}K` : `${bytes}`);
  return text(low);
}

// flat: [exponent, count, exponent, count ...], exponent -1 for requests of 0 bytes. known: false where there are none to show.
export function sizeHistogram(flat, title, known = true) {
  if (!known || !flat.length) return element("p", { class: "quiet" }, "No requests of sizes are known for this.");
  const found = new Map();
  for (let at = 0; at < flat.length; at += 2) found.set(flat[at], flat[at + 1]);
  const exponents = [...found.keys()];
  const first = Math.min(...exponents);
  const last = Math.max(...exponents);
  const x = [];
  const y = [];
  for (let exponent = first; exponent <= last; exponent++) {
    x.push(exponent);
    y.push(found.get(exponent) || 0);
  }
  const plot = element("div", { class: "plot", "aria-hidden": true });
  const box = element("figure", { class: "sizes" }, element("figcaption", {}, title), plot,
    element("div", { class: "hidden" }, element("table", {}, element("caption", {}, title),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Bytes from"), element("th", { scope: "col" }, "Requests"))),
      element("tbody", {}, x.map((exponent, index) => y[index] > 0 && element("tr", {}, element("td", {}, exponent < 0 ? "0" : count(2 ** exponent)), element("td", {}, count(y[index]))))))));
  const draw = () => {
    plot.replaceChildren();
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    const width = Math.min(720, Math.max(280, box.clientWidth - 4 || 560));
    // Labels must not overlap in a narrow window.
    const every = Math.ceil((x.length * 38) / (width - 80));
    const made = new uPlot({
      width, height: 210, cursor: { show: false }, legend: { show: false },
      scales: { x: { time: false, range: [first - 0.7, last + 0.7] }, y: { range: (_, __, most) => [0, most * 1.08 || 1] } },
      series: [{}, { fill: colour("--bar"), stroke: colour("--bar"), paths: uPlot.paths.bars({ size: [0.8, 90] }), points: { show: false } }],
      axes: [
        { ...axis, grid: { show: false }, label: "bytes, from", labelSize: 18, size: 34, splits: x.filter((_, index) => index % every === 0), values: (_, splits) => splits.map(range), space: 34 },
        { ...axis, size: 70, values: (_, splits) => splits.map((value) => (Number.isInteger(value) ? count(value) : "")) }],
    }, [x, y], plot);
    return made;
  };
  // Drawn when it is in the page, since only then it has a width; and again in other colours.
  requestAnimationFrame(draw);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", function again() {
    if (box.isConnected) draw();
    else scheme.removeEventListener("change", again);
  });
  return box;
}
