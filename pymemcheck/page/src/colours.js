// SPDX-License-Identifier: GPL-2.0-or-later
// Colours of frames: warm for Python, blue for C, the same colour for the same file or library. All are pale enough for
// black letters, in the dark as well.
function hash(text) {
  let value = 0;
  for (let at = 0; at < Math.min(text.length, 200); at++) value = (value * 31 + text.charCodeAt(at)) >>> 0;
  return value;
}

export function frameColour(data, highlighted) {
  if (highlighted) return "#f4a6f4";
  if (data.kind === -1) return "#c9c9c9";
  if (data.place === "importlib") return "#dcd6cd";
  const value = hash(data.place.replace(/:\d+$/, "") || data.name);
  if (data.kind === 0) return `hsl(${22 + (value % 34)}, ${68 + (value % 3) * 8}%, ${66 + ((value >> 4) % 4) * 4}%)`;
  if (data.kind === 1) return `hsl(${195 + (value % 32)}, 45%, ${70 + ((value >> 4) % 4) * 3}%)`;
  return "#d8d8c8";
}
