// The ways to draw a sensor's tiles, as the server tells them, and their legends.

import { el } from "./dom.js";

const TITLES = { "true-color": "True colour", "false-color": "False colour", swir: "Shortwave infrared", sar: "Radar", gray: "Grey", "gray-vh": "Radar VH", "index:ndvi": "NDVI", "index:ndwi": "NDWI", "index:nbr": "NBR", "index:ndsi": "NDSI" }; // prettier-ignore

/** Return a rendering's name for people. */
export function renderingTitle(name) {
  const plain = name.replace(/^index:/, "").replace(/[-_]/g, " ");
  return TITLES[name] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

/** Return the answer of /v1/renderings by sensor: Map sensor -> [rendering]. */
export const bySensor = (answer) => new Map((answer?.sensors ?? []).map(({ sensor, renderings }) => [sensor, renderings]));

/** Return the names of the renderings that a sensor offers, the best first. */
export const offered = (renderings, sensor) => (renderings.get(sensor) ?? []).map(({ name }) => name);

/** Return every rendering that some sensor of the index offers. */
export const allOffered = (renderings) => [...new Set([...renderings.keys()].flatMap((sensor) => offered(renderings, sensor)))];

/** Return the legend of a rendering: what it means, and its colours or its scale. */
export function legend(renderings, sensor, name) {
  const found = (renderings.get(sensor) ?? []).find((rendering) => rendering.name === name);
  if (!found) return [];
  const meaning = found.meaning && el("p", { class: "muted small", text: found.meaning });
  return [found.colors?.length ? scale(found) : colours(found), meaning].filter(Boolean);
}

function scale({ colors, range, formula }) {
  const bar = el("span", { class: "ramp", role: "img", "aria-label": `colours from ${range[0]} to ${range[1]}` });
  bar.style.setProperty("background", `linear-gradient(to right, ${colors.map(({ color }) => color).join(", ")})`);
  const end = (value) => el("span", { text: String(value).replace("-", "\u2212") });
  return el("div", {}, el("div", { class: "ramp-row small muted" }, end(range[0]), bar, end(range[1])), el("p", { class: "code small muted", text: formula })); // prettier-ignore
}

function colours({ channels = [] }) {
  if (!channels.length) return null;
  return el("ul", { class: "inks small" }, channels.map(({ color, shows }) => el("li", {}, el("span", { class: "ink", data: { color } }), `${color} shows ${shows}`))); // prettier-ignore
}
