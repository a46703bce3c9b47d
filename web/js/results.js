// The line above the grid: how many match, how they are drawn, how to take them away.

import { button, el, fill, menu } from "./dom.js";
import { count, date, plural, sensorTitle } from "./format.js";
import { allOffered, renderingTitle } from "./renderings.js";
import { areaText } from "./filters.js";

/** Build the head of the results. */
export function createHead({ holder, store, exporting, openFilters }) {
  const line = el("h2", { class: "count-line" });
  const select = el("select", { class: "field", id: "rendering", "aria-label": "Show tiles as" });
  select.addEventListener("change", () => store.set({ rendering: select.value || null }, { push: false }));
  const filterButton = button({ icon: "filter", text: "Filters", class: "quiet filters-open", id: "filters-open", on: { click: openFilters } }); // prettier-ignore
  const how = el("span", {});
  const active = el("ul", { class: "active", "aria-label": "Filters in use" });
  fill(holder, el("div", { class: "head-row" }, line, how, el("span", { class: "spring" }), filterButton, select, exporting.node), active); // prettier-ignore

  let why = null;
  let drawn = "[]";
  return function show({ state, view }) {
    line.textContent = headline(view);
    if (why !== view.why) fill(how, view.status === "done" && Object.keys(view.why).length ? howMenu(view) : null);
    why = view.why;
    const names = allOffered(view.renderings);
    select.hidden = !names.length;
    const options = [["", "Stored previews"], ...names.map((name) => [name, renderingTitle(name)])];
    if (select.options.length !== options.length) fill(select, options.map(([value, text]) => el("option", { value, text })));
    select.value = names.includes(state.rendering) ? state.rendering : "";
    exporting.show(view.status === "done" && view.hits.length > 0);
    const filters = activeFilters(state);
    if (JSON.stringify(filters) === drawn) return;
    drawn = JSON.stringify(filters);
    fill(active, filters.map(([key, text, off]) => el("li", {}, text, button({ icon: "close", label: `Remove: ${text}`, class: "active-remove", on: { click: () => store.set({ [key]: off }) } })))); // prettier-ignore
  };
}

function headline({ status, hits, matched, took, description }) {
  if (status === "loading" || status === "slow") return "Searching\u2026";
  if (status === "idle") return description ? `${plural(description.tiles, "tile")} in the archive` : "";
  if (status !== "done") return "";
  if (!hits.length) return "No results";
  const shown = hits.length < matched ? `Best ${count(hits.length)} of ${count(matched)}` : plural(matched, "tile");
  return `${shown} \u00b7 ${Math.max(1, Math.round(took))} ms`;
}

const inLines = (value) => (Array.isArray(value) ? value.map(inLines).join("\n") : typeof value === "string" ? value : JSON.stringify(value)); // prettier-ignore

/** What the server made of the question, for those who want to know. */
function howMenu({ why }) {
  const trigger = button({ text: "How", class: "link small", title: "How this was searched" });
  const lines = Object.entries(why).map(([name, value]) => [name.replaceAll("_", " "), inLines(value)]);
  const build = () => [el("h3", { text: "How this was searched" }), el("dl", { class: "facts how" }, lines.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { class: "code", text: value })]))]; // prettier-ignore
  return menu(trigger, build, { label: "How this was searched" });
}

function activeFilters(state) {
  const found = [];
  if (state.area) found.push(["area", state.area.bbox ? "in the box" : areaText(state.area), null]);
  if (state.datetime) found.push(["datetime", state.datetime.map((end) => (end ? date(end) : "\u2026")).join(" \u2013 "), null]);
  for (const key of ["sensor", "collection"]) {
    for (const name of state[key]) found.push([key, key === "sensor" ? sensorTitle(name) : name, state[key].filter((other) => other !== name)]); // prettier-ignore
  }
  if (state.maxCloud !== null) found.push(["maxCloud", `cloud \u2264 ${state.maxCloud} %`, null]);
  if (state.minScore !== null) found.push(["minScore", `similarity \u2265 ${state.minScore}`, null]);
  if (state.minProbability !== null) found.push(["minProbability", `probability \u2265 ${Math.round(state.minProbability * 100)} %`, null]); // prettier-ignore
  return found;
}
