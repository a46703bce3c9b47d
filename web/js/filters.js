// What narrows the search, each choice with the number of tiles it would give.

import { button, debounce, el, fill } from "./dom.js";
import { count, percent, score, sensorTitle, short } from "./format.js";
import { filtersSet, withoutFilters } from "./state.js";

const FEW = 8; // choices shown before "more"

/** Build the filters. `show({state, facets, description, hits, problem})` follows the search. */
export function createFilters({ panel, store, retry, close }) {
  const parts = [choices(store, "sensor", "Sensor", sensorTitle), choices(store, "collection", "Collection", (name) => name), cloud(store), threshold(store), area(store)]; // prettier-ignore
  const clear = button({ text: "Clear all", class: "link", on: { click: () => store.set({ ...withoutFilters }) } });
  const problem = el("p", { class: "notice small", role: "alert", hidden: true });
  fill(
    panel,
    el("div", { class: "filters-head" }, el("h2", { text: "Filters" }), clear, button({ icon: "close", label: "Close the filters", class: "quiet filters-close", on: { click: close } })), // prettier-ignore
    problem,
    parts.map(({ node }) => node),
  );
  return function show(view) {
    clear.hidden = !filtersSet(view.state).length;
    problem.hidden = !view.problem;
    fill(problem, view.problem ? [`Counts are not available: ${view.problem} `, button({ text: "Try again", class: "link", on: { click: retry } })] : []); // prettier-ignore
    for (const part of parts) part.show(view);
  };
}

/** Checkboxes of names, most tiles first; chosen ones stay even where nothing matches. */
function choices(store, key, title, shown) {
  const list = el("ul", { class: "choices" });
  const more = button({ text: "More", class: "link small", "aria-expanded": "false" });
  const node = el("fieldset", { class: "filter" }, el("legend", { text: title }), list, more);
  const rows = new Map();
  let all = false;
  let last = null;
  more.addEventListener("click", () => {
    all = !all;
    more.setAttribute("aria-expanded", String(all));
    show(last);
  });
  const toggle = (name, on) => {
    const chosen = new Set(store.get()[key]);
    if (on) chosen.add(name);
    else chosen.delete(name);
    store.set({ [key]: [...chosen] });
  };
  function row(name) {
    const box = el("input", { type: "checkbox", on: { change: () => toggle(name, box.checked) } });
    const number = el("span", { class: "count" });
    const label = el("label", { title: name }, box, el("span", { class: "choice-name", text: shown(name) }), number);
    return { node: el("li", {}, label), box, number };
  }
  function show(view) {
    last = view;
    const { state, facets, description } = view;
    const known = description?.[`${key}s`] ?? {};
    const counted = facets?.[key] ? Object.fromEntries(facets[key].map((entry) => [entry.name, entry.count])) : null;
    const names = [...new Set([...Object.keys(known), ...Object.keys(counted ?? {}), ...state[key]])];
    const amount = (name) => (counted ? (counted[name] ?? 0) : (known[name] ?? 0));
    names.sort((a, b) => (known[b] ?? 0) - (known[a] ?? 0) || a.localeCompare(b));
    const visible = names.filter((name, i) => all || i < FEW || state[key].includes(name));
    more.hidden = names.length <= FEW;
    more.firstElementChild.textContent = all ? "Fewer" : `${names.length - FEW} more`;
    node.hidden = names.length < 2 && !state[key].length;
    const nodes = visible.map((name) => {
      const made = rows.get(name) ?? row(name);
      rows.set(name, made);
      made.box.checked = state[key].includes(name);
      made.number.textContent = short(amount(name));
      made.node.classList.toggle("is-empty", !amount(name) && !made.box.checked);
      return made.node;
    });
    if (nodes.length !== list.children.length || nodes.some((item, i) => item !== list.children[i])) fill(list, nodes);
  }
  return { node, show };
}

/** A slider with its value beside the title; dragging replaces the address, letting go keeps an entry of it. */
function slider({ title, id, min, max, step, off, read, write, shown, extra, help }) {
  const output = el("output", { class: "filter-value" });
  const input = el("input", { type: "range", id, min, max, step, "aria-labelledby": `${id}-title` });
  const legend = el("label", { for: id, id: `${id}-title`, text: title });
  const node = el("div", { class: "filter" }, el("div", { class: "filter-title" }, legend, output), extra, input, help);
  const later = debounce((value) => write(value === off() ? null : value), 220);
  const say = (value) => {
    output.textContent = value === off() ? "any" : shown(value);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    say(Number(input.value));
    later(Number(input.value));
  });
  return {
    node,
    input,
    legend,
    follow(state) {
      if (document.activeElement === input && input.matches(":active")) return;
      const value = read(state) ?? off();
      input.value = value;
      say(Number(input.value) === value ? value : Number(input.value));
    },
  };
}

function cloud(store) {
  const bars = el("div", { class: "bars", "aria-hidden": "true" });
  const part = slider({
    title: "Cloud, at most", id: "max-cloud", min: 0, max: 100, step: 1, extra: bars,
    off: () => 100,
    read: (state) => state.maxCloud,
    write: (value) => store.set({ maxCloud: value }),
    shown: (value) => `${value} %`,
  }); // prettier-ignore
  const note = el("p", { class: "muted small" });
  part.node.append(note);
  return {
    node: part.node,
    show({ state, facets }) {
      part.follow(state);
      const bins = facets?.cloud ?? [];
      const unknown = facets?.unknown?.cloud ?? 0;
      drawBars(bars, bins.map((bin) => bin.count), (at) => state.maxCloud === null || bins[at].start * 100 < state.maxCloud); // prettier-ignore
      note.hidden = state.maxCloud === null;
      note.textContent = unknown ? `Leaves out ${count(unknown)} of unknown cloud, such as radar.` : "Leaves out tiles of unknown cloud, such as radar."; // prettier-ignore
    },
  };
}

/** Draw counts as bars; the square root keeps small ones visible beside large ones. */
export function drawBars(holder, counts, inside) {
  const most = Math.sqrt(Math.max(...counts, 1));
  while (holder.children.length > counts.length) holder.lastChild.remove();
  while (holder.children.length < counts.length) holder.append(el("span"));
  counts.forEach((value, at) => {
    holder.children[at].style.setProperty("--height", value ? Math.max(0.06, Math.sqrt(value) / most).toFixed(3) : "0");
    holder.children[at].classList.toggle("is-outside", !inside(at));
  });
}

/** Least probability where the index is calibrated, else least cosine. */
function threshold(store) {
  let calibrated = false;
  const part = slider({
    title: "Match, at least", id: "threshold", min: 0, max: 1, step: 0.01,
    off: () => Number(part?.input.min ?? 0),
    read: (state) => (calibrated ? state.minProbability : state.minScore),
    write: (value) => store.set(calibrated ? { minProbability: value, minScore: null } : { minScore: value, minProbability: null }),
    shown: (value) => (calibrated ? percent(value) : score(value)),
  }); // prettier-ignore
  const note = el("p", { class: "muted small" });
  part.node.append(note);
  return {
    node: part.node,
    show({ state, hits, asked }) {
      part.node.hidden = !asked;
      if (hits.length) calibrated = hits[0].probability !== null && hits[0].probability !== undefined;
      else calibrated = state.minProbability !== null;
      part.legend.textContent = calibrated ? "Probability, at least" : "Similarity, at least";
      const top = calibrated ? 1 : Math.min(1, Math.max(0.5, state.minScore ?? 0, ...hits.map((hit) => hit.score ?? 0)));
      part.input.max = Math.ceil(top * 100) / 100;
      part.follow(state);
      note.textContent = calibrated ? "How likely a tile fits the words." : "Cosine; compare within one search and one sensor.";
    },
  };
}

/** The drawn area, which can be removed here where the map is out of sight. */
function area(store) {
  const text = el("span");
  const remove = button({ text: "Remove", class: "link small", on: { click: () => store.set({ area: null }) } });
  const node = el("div", { class: "filter" }, el("div", { class: "filter-title" }, el("span", { class: "legend", text: "Area" }), remove), text); // prettier-ignore
  return {
    node,
    show({ state }) {
      remove.hidden = !state.area;
      text.className = state.area ? "code small" : "muted small";
      text.textContent = areaText(state.area) ?? "Draw a box or a polygon on the map.";
    },
  };
}

/** Return an area in words, or null. */
export function areaText(found) {
  if (!found) return null;
  if (found.bbox) return found.bbox.map((value) => value.toFixed(3)).join(", ");
  return `polygon of ${found.within.coordinates[0].length - 1} corners`;
}
