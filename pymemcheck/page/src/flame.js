// SPDX-License-Identifier: GPL-2.0-or-later
// The flame graph: callers above, what they call below.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { METRIC_NAMES, METRIC_SHORT, amount, checkbox, choice, clear, count, counted, element, percent, status } from "./dom.js";
import { frameColour } from "./colours.js";
import { sizeHistogram } from "./sizes.js";

// The last two are there if the profile has several threads or knows the domains.
const MODE_NAMES = [["python", "Python only"], ["mixed", "Python and C"], ["file", "Files"], ["thread", "By thread"], ["domain", "By domain"]];
// Narrower frames, in pixels, cannot be seen; zooming in shows them.
const NARROWEST = 0.4;
const ROW_HEIGHT = 20;

// The nested nodes of a metric from the columns of a tree. Without recursion, because stacks can be deep.
function nested(tree, metric, labels) {
  const [bytes, blocks] = tree[metric];
  const nodes = [];
  for (let index = 0; index < bytes.length; index++) {
    if (index && !bytes[index]) {
      nodes.push(null);
      continue;
    }
    const label = labels[tree.label[index]];
    const node = {
      index, name: label ? label[1] : "all", place: label ? label[2] : "", kind: label ? label[0] : -1,
      file: label ? label[3] : -1, line: label ? label[4] : 0, value: bytes[index], blocks: blocks[index], children: [],
    };
    nodes.push(node);
    if (index) nodes[tree.parent[index]].children.push(node);
  }
  for (const node of nodes) {
    if (node) node.children.sort((a, b) => b.value - a.value || a.index - b.index);
  }
  return nodes[0];
}

const fullName = (data) => (data.place ? `${data.name} ${data.place}` : data.name);

export function flameView(page, panel) {
  const { trees, labels } = page.profile;
  const chosen = { metric: page.metric, mode: "python", imports: true };
  const chart = element("div", { class: "flame", role: "group", "aria-label": "Flame graph; arrows move, Enter zooms, Escape zooms out" });
  const said = status({ id: "flame-said" });
  const cut = element("p", { class: "cut", id: "flame-cut" });
  const found = status({ id: "flame-found" });
  const sizes = element("div");
  const search = element("input", { type: "search", id: "flame-search", autocomplete: "off" });
  const leaked = trees.python[0].leaked[0][0];
  let graph = null;
  let root = null;
  let current = null;      // the node that has the keyboard
  let zoomed = null;
  let drawnWidth = 0;

  // The library asks for this also while it makes the first drawing, before root is known.
  const describe = (d) => `${fullName(d.data)}: ${amount(d.data.value)} (${count(d.data.value)} bytes) in ${counted(d.data.blocks, "block")}, ${
    percent(d.data.value, d.ancestors()[d.depth].data.value)} of all`;

  function tree() {
    return trees[chosen.mode][chosen.imports ? 0 : 1];
  }

  // What the library draws gets names and keyboard access after each drawing.
  function dress() {
    const frames = chart.querySelectorAll("g.frame");
    frames.forEach((frame) => {
      const d = select(frame).datum();
      frame.setAttribute("role", "button");
      frame.setAttribute("aria-label", describe(d));
      frame.removeAttribute("name");
      frame.setAttribute("tabindex", d === current ? 0 : -1);
      frame.classList.toggle("found", Boolean(d.highlight));
      frame.classList.toggle("native", d.data.kind === 1);
    });
    chart.querySelectorAll("foreignObject").forEach((part) => part.setAttribute("aria-hidden", "true"));
    // Labels are written by a timer of the library; a name that is wider than its frame is cut by the style sheet.
    cut.textContent = cutText(frames.length);
  }

  function cutText(drawn) {
    const [nodes, bytes] = tree().cut[chosen.metric];
    const parts = [`${counted(drawn, "frame")} drawn.`];
    const narrow = tree()[chosen.metric][0].filter((size) => size > 0).length - drawn;
    if (narrow > 0 && !(zoomed && zoomed.depth)) parts.push(`${counted(narrow, "frame")} too narrow to see; zoom in for them.`);
    if (nodes) parts.push(`${counted(nodes, "smaller frame")} with ${amount(bytes)} are cut; their callers include them.`);
    return parts.join(" ");
  }

  function show(d) {
    said.textContent = describe(d);
    clear(sizes);
    const flat = tree().sizes[d.data.index];
    sizes.append(sizeHistogram(flat, `Sizes of all requests of ${d.depth ? fullName(d.data) : "the whole run"}`));
    if (d.data.file >= 0 && page.hasSource(d.data.file)) {
      sizes.append(element("button", { type: "button", class: "more", onclick: () => page.showSource(d.data.file, d.data.line) }, "Open the source"));
    }
  }

  function zoom(d) {
    zoomed = d;
    current = d;
    show(d);
    reset.disabled = !d.depth;
    dress();
  }

  function draw() {
    if (graph) graph.destroy();
    clear(chart);
    current = zoomed = null;
    reset.disabled = true;
    const data = nested(tree(), chosen.metric, labels);
    if (!data.value) {
      graph = null;
      clear(sizes);
      found.textContent = cut.textContent = "";
      said.textContent = "Nothing here.";
      return;
    }
    drawnWidth = Math.max(300, chart.clientWidth);
    graph = flamegraph().width(drawnWidth).cellHeight(ROW_HEIGHT).inverted(true).selfValue(false).minFrameSize(NARROWEST)
      .transitionDuration(0).resetHeightOnZoom(true).tooltip(false)
      .setColorMapper((d) => frameColour(d.data, d.highlight))
      .getName((d) => fullName(d.data))
      .label(describe)
      .setSearchMatch((d, words) => fullName(d.data).toLowerCase().includes(words.toLowerCase()))
      .setSearchHandler((results, sum, all) => {
        found.textContent = `${counted(results.length, "frame")} found with ${amount(sum)}, ${percent(sum, all)} of all`;
      })
      .setDetailsHandler((text) => {
        if (text) said.textContent = text;
        else if (current) said.textContent = describe(current);
      })
      .onClick(zoom);
    select(chart).datum(data).call(graph);
    root = select(chart).datum();
    current = zoomed = root;
    chart.querySelector("svg").setAttribute("aria-hidden", "false");
    const title = chart.querySelector("svg > text.title");
    if (title) title.remove();
    show(root);
    find();
    dress();
  }

  function find() {
    if (!graph) return;
    if (search.value) graph.search(search.value);
    else {
      graph.clear();
      found.textContent = "";
    }
    dress();
  }

  function focusOn(d) {
    if (!d) return;
    current = d;
    dress();
    const at = [...chart.querySelectorAll("g.frame")].find((frame) => select(frame).datum() === d);
    if (!at) return;
    at.focus();
    said.textContent = describe(d);
  }

  chart.addEventListener("keydown", (event) => {
    if (!graph || !current) return;
    const visible = (d) => d && d.x1 - d.x0 > 0 && [...chart.querySelectorAll("g.frame")].some((frame) => select(frame).datum() === d);
    const siblings = current.parent ? current.parent.children : [current];
    const at = siblings.indexOf(current);
    const moves = {
      ArrowDown: () => (current.children || []).find(visible), ArrowUp: () => current.parent,
      ArrowRight: () => siblings.slice(at + 1).find(visible), ArrowLeft: () => siblings.slice(0, at).reverse().find(visible),
      Home: () => root,
    };
    if (moves[event.key]) {
      event.preventDefault();
      focusOn(moves[event.key]());
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      graph.zoomTo(current);
      focusOn(current);
    } else if (event.key === "Escape") {
      event.preventDefault();
      graph.resetZoom();
      focusOn(root);
    }
  });

  const reset = element("button", { type: "button", disabled: true, id: "flame-reset", onclick: () => graph && graph.resetZoom() }, "Zoom out");
  search.addEventListener("input", find);
  const change = (key) => (value) => {
    chosen[key] = value;
    draw();
  };
  panel.append(element("h2", {}, "Flame graph"),
    element("div", { class: "controls" },
      choice("Bytes", Object.keys(METRIC_SHORT).map((metric) => [metric, METRIC_NAMES[metric], metric === "leaked" && !leaked]), chosen.metric, change("metric")),
      choice("Frames", MODE_NAMES.filter(([mode]) => trees[mode]), chosen.mode, change("mode")),
      checkbox("Hide what only imports allocated", false, (hidden) => change("imports")(!hidden))),
    element("div", { class: "controls" },
      element("label", { class: "search", for: "flame-search" }, "Find ", search), reset, found),
    element("div", { class: "scroll" }, chart), said, cut, sizes);
  const redraw = () => {
    if (panel.hidden || Math.max(300, chart.clientWidth) === drawnWidth) return;
    draw();
  };
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => !panel.hidden && draw());
  draw();
  return { shown: redraw };
}
