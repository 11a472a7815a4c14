// SPDX-License-Identifier: GPL-2.0-or-later
// Elements and numbers. Text goes into elements as text only: names of the program are never markup.

// Makes an element: element("p", {class: "note"}, "text", otherElement ...). A handler is {onclick: function}.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  append(made, children);
  return made;
}

export function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return parent;
}

export function clear(node) {
  node.replaceChildren();
  return node;
}

const whole = new Intl.NumberFormat("en-US");

export const count = (number) => whole.format(number);

// "1 block", "2 blocks".
export const counted = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

// A size for a person. The exact bytes are shown where there is room for them.
export function amount(bytes) {
  const size = Math.abs(bytes);
  for (const [unit, power] of [["GB", 3], ["MB", 2], ["KB", 1]]) {
    if (size >= 1024 ** power) {
      const value = bytes / 1024 ** power;
      return `${Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
    }
  }
  return counted(bytes, "byte");
}

export const signed = (number) => (number > 0 ? "+" : number < 0 ? "−" : "±") + count(Math.abs(number));

export const signedAmount = (bytes) => (bytes > 0 ? "+" : bytes < 0 ? "−" : "±") + amount(Math.abs(bytes));

export function percent(part, all) {
  if (!all) return "";
  const value = (100 * part) / all;
  return `${value > 0 && value < 0.1 ? "<0.1" : value.toFixed(1)} %`;
}

export const METRIC_NAMES = {
  live: "in use at the end", peak: "at the peak", total: "allocated in all", leaked: "leaked",
};

export const METRIC_SHORT = { live: "At end", peak: "At peak", total: "Total", leaked: "Leaked" };

// A group of radio buttons. options: [value, text]. change(value) is called with the new choice.
let groups = 0;
export function choice(legend, options, chosen, change) {
  const name = `choice${groups++}`;
  return element("fieldset", { class: "choice" }, element("legend", {}, legend), options.map(([value, text, disabled]) =>
    element("label", {}, element("input", {
      type: "radio", name, value, checked: value === chosen, disabled, onchange: () => change(value),
    }), element("span", {}, text))));
}

export function checkbox(text, checked, change) {
  return element("label", { class: "check" }, element("input", {
    type: "checkbox", checked, onchange: (event) => change(event.target.checked),
  }), text);
}

// One line that a screen reader says when it changes.
export const status = (attributes = {}) => element("p", { role: "status", class: "status", ...attributes });
