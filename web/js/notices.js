// What is going on, and what to do: empty, slow, partial and broken searches.

import { button, el, fill, icon } from "./dom.js";
import { plural } from "./format.js";
import { filtersSet, withoutFilters } from "./state.js";
import { MissingPicture } from "./pictures.js";

export const EXAMPLES = ["a harbour with ships", "flooded farmland beside a river", "an airport with runways", "round irrigated fields", "a burnt forest", "a town on the coast"]; // prettier-ignore

function notice(kind, title, lines, actions = []) {
  const parts = [lines].flat().filter(Boolean);
  return el("div", { class: `notice is-${kind}`, role: kind === "error" ? "alert" : null },
    kind === "error" || kind === "part" ? icon("warn") : null,
    el("div", { class: "notice-body" },
      title && el("h2", { text: title }),
      parts.map((line) => (typeof line === "string" ? el("p", { text: line }) : line)),
      actions.length ? el("div", { class: "notice-actions" }, actions) : null)); // prettier-ignore
}

/** What a page shows that has not been asked anything. */
export function welcome({ description, matched, looks, ask }) {
  const tiles = description?.tiles;
  if (tiles === 0) return notice("empty", "This index is empty", ["Fill it with swath index SOURCE --into DIR, then reload."]);
  const welcoming = notice("welcome", "What are you looking for?", [
    "Describe it in words, drop or paste a picture, or take a point on the map. Add and subtract as many as you like.",
    el("ul", { class: "examples", "aria-label": "Examples" }, EXAMPLES.map((text) => el("li", {}, button({ text, class: "outline example", on: { click: () => ask(text) } })))),
  ]); // prettier-ignore
  if (!looks) return welcoming;
  const among = matched < tiles ? `From the newest of ${plural(matched, "tile")} that pass the filters` : "From the newest in the archive";
  return [welcoming, el("h3", { class: "look-title", text: among })];
}

/** What a search shows that found nothing; it says which filter to let go. */
export function nothing({ state, matched, store }) {
  const set = filtersSet(state);
  const names = { area: "the drawn area", datetime: "the dates", sensor: "the sensors", collection: "the collections", maxCloud: "the cloud limit", minScore: "the least similarity", minProbability: "the least probability" }; // prettier-ignore
  const lift = (key) =>
    button({ text: `Drop ${names[key]}`, class: "outline", on: { click: () => store.set({ [key]: withoutFilters[key] }) } });
  const thresholds = set.filter((key) => key.startsWith("min"));
  if (matched && thresholds.length) {
    return notice("empty", "Nothing is this close", [`${matched.toLocaleString("en")} tiles pass the filters; none reaches the threshold.`], thresholds.map(lift)); // prettier-ignore
  }
  if (!set.length) return notice("empty", "No tiles to show", ["This index holds nothing that could match."]);
  return notice("empty", "No tile passes these filters", ["Filters come before ranking, so no wording will help. Let one go:"], set.map(lift)); // prettier-ignore
}

const WHAT_TO_DO = {
  400: "Change the search and try again.",
  404: "It may have been removed since. Change the search, or start over.",
  413: "Use a smaller picture or a simpler area.",
  422: "Change the search and try again.",
  429: "This server limits how often one may ask. Wait a moment, then try again.",
  503: "The server runs but cannot use its index now. Try again, or tell who runs it.",
  504: "The search took longer than the server allows. Narrow it with a filter, then try again.",
};

/** What a failed search shows. */
export function failure({ error, retry, store }) {
  if (error instanceof MissingPicture) {
    const drop = () => store.set({ terms: store.get().terms.filter(({ value }) => value !== error.key) });
    return notice("error", "A picture is missing", [error.message], [button({ text: "Remove it", class: "outline", on: { click: drop } })]); // prettier-ignore
  }
  if (error.status === 401 || error.status === 403) return null;
  const titles = { 0: "No connection", 429: "Too many requests", 503: "The index is not available", 504: "This took too long" };
  const todo = error.status ? (WHAT_TO_DO[error.status] ?? "Try again; if it stays, tell who runs this server.") : "Is the server still running? Check the connection, then try again."; // prettier-ignore
  const where = error.field ? `It is about \u201c${error.field}\u201d.` : null;
  return notice("error", titles[error.status] ?? "That did not work", [error.message, where, el("p", { class: "muted", text: todo })], [button({ text: "Try again", class: "solid", on: { click: retry } })]); // prettier-ignore
}

/** The form for an API key. */
export function keyForm({ error, submit }) {
  const field = el("input", { class: "field", type: "password", autocomplete: "off", required: true, "aria-label": "API key" });
  const form = el("form", { class: "key-form" }, field, button({ text: "Use it", class: "solid", type: "submit" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(field.value.trim());
  });
  return notice("key", "This server asks for an API key", [error.message, "It is kept until you close this tab.", form]);
}

/** What a search shows that takes long. */
export const slow = (stop) =>
  notice("slow", null, ["Still searching. The server is busy, or it loads its encoder for the first time."], [button({ text: "Stop", class: "outline", on: { click: stop } })]); // prettier-ignore

/** What a search shows that was stopped. */
export const stopped = (again) =>
  notice("empty", "Stopped", ["The search was given up before it was answered."], [button({ text: "Search again", class: "solid", on: { click: again } })]); // prettier-ignore

/** Remarks of the server about its own answer. */
export const remarks = (texts) => texts.map((text) => notice("remark", null, [text]));

/** A passing message at the edge of the page. */
export function toast(text, { error = false } = {}) {
  const holder = document.getElementById("toasts");
  const node = el("p", { class: `toast${error ? " is-error" : ""}`, role: error ? "alert" : "status", text });
  fill(holder, node);
  setTimeout(() => node.remove(), error ? 9000 : 4500);
}
