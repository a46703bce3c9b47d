// How a question was read: shown as chips, changed in a form, asked again as changed.

import { button, el, fill } from "./dom.js";
import { boxBetween, boxOf } from "./draw_shapes.js";
import { count, date, sensorTitle } from "./format.js";

export const SHAPES = { describe: "what is there", presence: "whether it is there", count: "how many", where: "where", when: "when", compare: "a comparison", change: "what changed" }; // prettier-ignore

const AROUND = 0.1; // degrees around a point that somebody types: about 11 km

/** Return the parts of a plan as [{key, label, text}], in the order they are shown. */
export function planParts(plan) {
  const parts = [{ key: "shape", label: "asks", text: SHAPES[plan.shape] ?? plan.shape }];
  const add = (key, label, text) => text && parts.push({ key, label, text });
  add("sought", "looks for", plan.sought?.join(", ") || "every tile");
  add("without", "leaves out", plan.without?.join(", "));
  add("place", "where", plan.place?.name);
  for (const period of plan.periods ?? []) add("periods", "when", periodText(period));
  add("sensors", "seen by", plan.sensors?.map(sensorTitle).join(", "));
  add("collections", "from", plan.collections?.join(", "));
  add("max_cloud", "cloud", typeof plan.max_cloud === "number" ? `at most ${count(plan.max_cloud)} %` : "");
  add("renderings", "drawn as", plan.renderings?.join(", "));
  add("among_earlier", "only among", plan.among_earlier && "the tiles of the answer before");
  return parts;
}

const ends = (period) => period.split("/").map((end) => (end === ".." ? "" : date(end)));

function periodText(period) {
  const [from, to] = ends(period);
  if (from && to) return from === to ? from : `${from} to ${to}`;
  return from ? `since ${from}` : `until ${to}`;
}

/** Return the plan as chips; `edit(key)` opens the form at that part. */
export function planChips(plan, edit) {
  const chips = planParts(plan).map(({ key, label, text }) => {
    const chip = el("button", { type: "button", class: "plan-chip", title: "Change this", on: { click: () => edit(key) } }, el("span", { class: "plan-label", text: label }), el("span", { class: "plan-text", text })); // prettier-ignore
    return el("li", {}, chip);
  });
  const unknown = [
    plan.unknown_place && unknownChip("where", `${plan.unknown_place} (not known here)`),
    plan.missing_sensors?.length && unknownChip("seen by", `${plan.missing_sensors.join(", ")} (not in this archive)`),
  ].filter(Boolean);
  const change = el("li", {}, button({ text: "Change", class: "link small plan-change", on: { click: () => edit("sought") } }));
  return el("ul", { class: "plan", "aria-label": "How the question was read" }, chips, unknown, change);
}

const unknownChip = (label, text) => el("li", {}, el("span", { class: "plan-chip is-unknown" }, el("span", { class: "plan-label", text: label }), el("span", { class: "plan-text", text }))); // prettier-ignore

/** Return the form that changes a plan. `sensors`: names of the index; `submit(plan)`, `cancel()`. */
export function planForm(plan, { sensors, focus, submit, cancel }) {
  const shape = el("select", { class: "field" }, Object.entries(SHAPES).map(([value, text]) => el("option", { value, text }))); // prettier-ignore
  shape.value = plan.shape;
  const sought = el("input", { class: "field", type: "text", maxlength: 1000, value: (plan.sought ?? []).join(", "), placeholder: "every tile" }); // prettier-ignore
  const without = el("input", { class: "field", type: "text", maxlength: 1000, value: (plan.without ?? []).join(", ") });
  const place = el("input", { class: "field", type: "text", maxlength: 200, value: plan.place?.name ?? "", placeholder: "everywhere" }); // prettier-ignore
  const collections = el("input", { class: "field", type: "text", maxlength: 1000, value: (plan.collections ?? []).join(", "), placeholder: "all of them" }); // prettier-ignore
  const renderings = el("input", { class: "field", type: "text", maxlength: 1000, value: (plan.renderings ?? []).join(", "), placeholder: "as usual" }); // prettier-ignore
  const among = el("input", { type: "checkbox", checked: true });
  const cloud = el("input", { class: "field", type: "number", min: 0, max: 100, step: "any", value: plan.max_cloud ?? "" });
  const periods = el("div", { class: "plan-periods" });
  const known = [...new Set([...sensors, ...(plan.sensors ?? [])])];
  const boxes = known.map((name) => el("input", { type: "checkbox", value: name, checked: plan.sensors?.includes(name) ?? false })); // prettier-ignore
  const problem = el("p", { class: "plan-problem small", role: "alert" });
  const addPeriod = (period = "/") => {
    const [from = "", to = ""] = ends(period);
    const row = el("div", { class: "row" },
      el("input", { class: "field", type: "date", value: from, "aria-label": "From" }), el("span", { class: "muted", text: "to" }),
      el("input", { class: "field", type: "date", value: to, "aria-label": "To" }),
      button({ icon: "close", label: "Remove this period", on: { click: () => row.remove() } })); // prettier-ignore
    periods.append(row);
    return row;
  };
  for (const period of plan.periods ?? []) addPeriod(period);

  const rows = {
    shape: labelled("The question asks", shape),
    sought: labelled("Looks for", sought, "Several are written with commas between them."),
    without: labelled("Leaves out", without),
    place: labelled("Where", place, "The name the question gave, or lat, lon, or west, south, east, north."),
    periods: el("fieldset", { class: "plan-row" }, el("legend", { text: "When" }), periods, button({ icon: "plus", text: "A period", class: "outline small", on: { click: () => addPeriod().querySelector("input").focus() } })), // prettier-ignore
    sensors: el("fieldset", { class: "plan-row" }, el("legend", { text: "Seen by" }), el("div", { class: "plan-sensors" }, boxes.map((box) => el("label", {}, box, el("span", { text: sensorTitle(box.value) })))), el("p", { class: "muted small", text: "None chosen: all of them." })), // prettier-ignore
    max_cloud: labelled("Most cloud in percent", cloud),
    ...(plan.collections?.length ? { collections: labelled("From the collections", collections) } : {}),
    ...(plan.renderings?.length ? { renderings: labelled("Drawn as", renderings) } : {}),
    ...(plan.among_earlier ? { among_earlier: el("div", { class: "plan-row plan-sensors" }, el("label", {}, among, el("span", { text: "Only among the tiles of the answer before" }))) } : {}), // prettier-ignore
  };
  const form = el("form", { class: "plan-form", "aria-label": "Change how the question is read", novalidate: true },
    Object.values(rows), problem,
    el("div", { class: "notice-actions" }, button({ text: "Ask again like this", class: "solid", type: "submit" }), button({ text: "Cancel", class: "outline", on: { click: cancel } }))); // prettier-ignore
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    try {
      submit({
        ...plan,
        shape: shape.value,
        sought: phrases(sought.value),
        without: phrases(without.value),
        place: placeFrom(place.value, plan.place),
        unknown_place: null,
        periods: [...periods.children].map(periodFrom).filter(Boolean),
        sensors: boxes.filter(({ checked }) => checked).map(({ value }) => value),
        missing_sensors: [],
        collections: phrases(collections.value),
        renderings: phrases(renderings.value),
        among_earlier: Boolean(plan.among_earlier) && among.checked,
        max_cloud: cloud.value === "" ? null : Math.min(100, Math.max(0, Number(cloud.value))),
        made_by: "user",
        notes: [],
      });
    } catch (error) {
      fill(problem, error.message);
      error.field?.focus();
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    cancel();
  });
  form.focusPart = () => (rows[focus] ?? rows.sought).querySelector("input, select, button")?.focus();
  return form;

  function placeFrom(written, before) {
    const text = written.trim();
    if (!text) return null;
    if (before && text === before.name) return before;
    try {
      return { name: text, geometry: areaOf(text), source: "user", passage_id: null };
    } catch (error) {
      throw Object.assign(error, { field: place });
    }
  }
}

/** Return the area that "lat, lon" or "west, south, east, north" tells. */
function areaOf(text) {
  const numbers = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  const [lat, lon] = numbers;
  const point = numbers.length === 2 && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  if (!point && (numbers.length !== 4 || !numbers.every(Number.isFinite))) throw new Error(`“${text}” is no place that can be looked up here: write lat, lon or west, south, east, north, or ask a question that names it.`); // prettier-ignore
  const { type, coordinates } = point ? boxBetween([lon - AROUND, lat - AROUND], [lon + AROUND, lat + AROUND]) : boxOf(numbers); // prettier-ignore
  return { type, coordinates };
}

const phrases = (text) => text.split(",").map((each) => each.trim()).filter(Boolean); // prettier-ignore

function periodFrom(row) {
  const [from, to] = [...row.querySelectorAll("input")];
  if (!from.value && !to.value) return null;
  if (from.value && to.value && from.value > to.value) throw Object.assign(new Error(`A period ends before it begins: ${from.value} to ${to.value}.`), { field: from }); // prettier-ignore
  return `${from.value ? `${from.value}T00:00:00Z` : ".."}/${to.value ? `${to.value}T23:59:59Z` : ".."}`;
}

const labelled = (text, field, hint) =>
  el("div", { class: "plan-row" }, el("label", {}, el("span", { class: "plan-name", text }), field), hint && el("p", { class: "muted small", text: hint })); // prettier-ignore
