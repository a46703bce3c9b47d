// The pieces of an answer: claims with their citations, the evidence, what was computed, how it was found.

import { button, el, icon } from "./dom.js";
import { address, tileAddress } from "./api.js";
import { date, fit, percent, place, plural, sensorTag, tileLine } from "./format.js";

const MOST_MARKS = 5; // citations shown at once; more of them unfold

/** Return the marks of a claim; where there are many, the first of them and a button that shows the rest. */
function marks(cites, at) {
  const all = citations(cites, at);
  if (all.length <= MOST_MARKS + 1) return all;
  const rest = all.splice(MOST_MARKS);
  const more = el("button", { type: "button", class: "citation-more", text: `+${rest.length}`, "aria-label": `+${rest.length} more sources`, on: { click: () => (more.replaceWith(...rest), rest[0].focus()) } }); // prettier-ignore
  return [...all, more];
}

/**
 * Return the marks of numbers as buttons. A tile's lights it up and opens it, a passage's shows the passage.
 * `known(number)` returns {tile} or {passage}; `at`: light(number|null), go(number).
 */
export function citations(numbers, { known, light, go }) {
  return numbers.flatMap((number) => {
    const { tile, passage } = known(number);
    if (!tile && !passage) return [];
    const said = tile ? `Tile ${number}: ${tileLine(tile)}, ${date(tile.datetime)}` : `Text ${number}: ${passage.title}`;
    return el("button", { type: "button", class: `citation${passage ? " is-passage" : ""}`, text: `[${number}]`, "aria-label": `[${number}] ${said}`, title: said, data: { number }, on: {
      click: () => go(number),
      pointerenter: () => light(number),
      pointerleave: () => light(null),
      focus: () => light(number),
      blur: () => light(null),
    } }); // prettier-ignore
  });
}

/** Return a claim: its words, what it rests on, and how sure it is. */
export function claimItem({ text, cites, confidence }, at) {
  const sure = typeof confidence === "number" ? el("span", { class: "sure", title: "How sure this statement is" }, el("span", { class: "sure-bar", "aria-hidden": "true", style: null }), el("span", { class: "unseen", text: "confidence " }), percent(confidence)) : null; // prettier-ignore
  sure?.firstChild.style.setProperty("--share", confidence);
  return el("li", { class: "claim" }, el("span", { class: "claim-text", text }), " ", el("span", { class: `claim-end${cites.length > 3 ? "" : " is-short"}` }, marks(cites, at), sure)); // prettier-ignore
}

/** Return the evidence as a strip of numbered pictures. */
export function evidenceStrip(tiles, { index, light, go }) {
  const several = new Set(tiles.map(({ sought }) => sought)).size > 1;
  const items = tiles.map((tile) => {
    const source = tile.preview ? address(tile.preview) : tileAddress(tile.tile_id, "preview.webp", { index });
    const image = el("img", { src: source, alt: "", width: 128, height: 128, loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => node.classList.add("is-broken"));
    const said = `Tile ${tile.number}: ${tileLine(tile)}, ${date(tile.datetime)}${fit(tile) && `, ${fit(tile)}`}`;
    const node = el("button", { type: "button", class: "piece", title: tile.centroid ? `${said}, ${place(tile.centroid, 3)}` : said, data: { number: tile.number, id: tile.tile_id }, on: {
      click: () => go(tile.number),
      pointerenter: () => light(tile.number),
      pointerleave: () => light(null),
      focus: () => light(tile.number),
      blur: () => light(null),
    } },
      el("span", { class: "unseen", text: `Tile ${tile.number}: ${tileLine(tile)}, ` }),
      el("span", { class: "piece-frame", "aria-hidden": "true" }, image, el("span", { class: "piece-number", text: tile.number })),
      el("span", { class: "piece-line" }, el("b", { text: sensorTag(tile.sensor), "aria-hidden": "true" }), ` ${date(tile.datetime)}`),
      el("span", { class: "piece-line muted", text: [fit(tile), several && tile.sought].filter(Boolean).join(" · ") })); // prettier-ignore
    return el("li", {}, node);
  });
  return el("ul", { class: "pieces", "aria-label": "Evidence" }, items);
}

/** Return passages, each to be opened. */
export function passageList(passages) {
  const items = passages.map(({ number, title, text, source, datetime, distance_km: km }) => {
    const about = [source, datetime && date(datetime), typeof km === "number" && `${km < 10 ? km.toFixed(1) : Math.round(km)} km away`];
    return el("li", {}, el("details", { class: "passage", data: { number } },
      el("summary", {}, el("span", { class: "piece-number", text: number }), el("span", { text: title })),
      el("p", { class: "passage-text", text }), el("p", { class: "muted small", text: about.filter(Boolean).join(" · ") }))); // prettier-ignore
  });
  return el("ul", { class: "passages", "aria-label": "Texts" }, items);
}

const folded = (title, kind, ...parts) => el("details", { class: `folded ${kind}` }, el("summary", { text: title }), parts);

/** Return what was computed from the records. */
export const factList = (facts, at) =>
  folded(`Counted from the records (${facts.length})`, "facts-folded", el("ul", {}, facts.map(({ text, cites }) => el("li", {}, text, " ", marks(cites ?? [], at))))); // prettier-ignore

/** Return what the model said and was not let through. */
export const droppedList = (dropped) =>
  folded(`${plural(dropped.length, "statement")} of the model left out`, "dropped-folded", el("ul", {}, dropped.map(({ text, reason }) => el("li", {}, el("q", { text }), ` ${reason}`)))); // prettier-ignore

/** Return each step with its time. */
export function traceList(trace) {
  const whole = trace.reduce((sum, { seconds }) => sum + seconds, 0);
  return folded(`How this was found (${whole.toFixed(1)} s)`, "trace-folded", el("ol", {}, trace.map(({ name, text, seconds }) => el("li", {}, el("b", { text: name }), ` ${text} `, el("span", { class: "muted", text: `${seconds.toFixed(2)} s` }))))); // prettier-ignore
}

export const caveatList = (caveats) => el("ul", { class: "caveats", "aria-label": "What limits the answer" }, caveats.map((text) => el("li", {}, icon("warn"), el("span", { text })))); // prettier-ignore

/** Return who wrote an answer, in words. */
export function writtenBy({ written_by: by, model }) {
  if (by === "model") return `Written by ${model}, then checked: every statement cites what is shown here.`;
  if (model) return `Written from records, without ${model}.`;
  return "Written from records alone: no answer model is set up on this server.";
}

/** Return what would help where there is no answer: {text, change} of the plan. */
export function wayOut(plan) {
  const ways = [];
  if (plan.periods?.length) ways.push({ text: "Ask about any date", change: { periods: [] } });
  if (plan.place || plan.unknown_place) ways.push({ text: "Ask everywhere", change: { place: null, unknown_place: null } }); // prettier-ignore
  if (plan.sensors?.length || plan.missing_sensors?.length) ways.push({ text: "Ask all sensors", change: { sensors: [], missing_sensors: [] } }); // prettier-ignore
  if (plan.collections?.length) ways.push({ text: "Ask all collections", change: { collections: [] } });
  if (plan.among_earlier) ways.push({ text: "Ask the whole archive", change: { among_earlier: false } });
  if (typeof plan.max_cloud === "number") ways.push({ text: "Allow clouds", change: { max_cloud: null } });
  return ways;
}

/** Return where there is no answer: why, and what would help. */
export function abstention({ abstained, plan }, { again, edit }) {
  const ways = wayOut(plan).map(({ text, change }) => button({ text, class: "outline", on: { click: () => again({ ...plan, ...change, made_by: "user", notes: [] }) } })); // prettier-ignore
  return el("div", { class: "abstained", role: "note" },
    el("h3", { text: "No answer from this archive" }), el("p", { text: abstained }),
    el("div", { class: "notice-actions" }, ways, button({ text: "Change the question\u2019s reading", class: "outline", on: { click: edit } }))); // prettier-ignore
}

/** Fill a list only where it changed, so that nothing is read out twice. */
export function grow(list, items, make) {
  while (list.children.length > items.length) list.lastElementChild.remove();
  items.forEach((item, at) => {
    const key = JSON.stringify(item);
    const there = list.children[at];
    if (there?.dataset.key === key) return;
    const node = make(item);
    node.dataset.key = key;
    if (there) there.replaceWith(node);
    else list.append(node);
  });
}

