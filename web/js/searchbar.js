// The sentence, and beside it everything else that is added to the search or subtracted from it.

import { button, debounce, el, fill, icon, menu } from "./dom.js";
import { place } from "./format.js";
import { tileAddress } from "./api.js";
import { pictureFile, thumbnail } from "./pictures.js";

const ICONS = { like: "like", point: "point", picture: "picture" };

/** Return the words for a term, without its weight. */
export function termLabel({ kind, value }) {
  if (kind === "text") return value;
  if (kind === "point") return place(value, 3);
  return kind === "like" ? "like this tile" : "like this picture";
}

/** Build the search bar. `ask(text)` opens the answer panel, `choosePoint()` lets people click the map. */
export function createSearchbar({ store, onPicture, choosePoint, ask }) {
  const form = document.getElementById("search");
  const input = document.getElementById("text");
  const list = document.getElementById("terms");
  const file = el("input", { type: "file", accept: "image/*,.tif,.tiff", hidden: true, id: "picture-file", "aria-label": "Picture to search with" }); // prettier-ignore
  file.addEventListener("change", () => {
    if (file.files[0]) onPicture(file.files[0]);
    file.value = "";
  });

  const submit = () => store.set({ text: input.value.trim(), open: null, pane: "results" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    if (matchMedia("(hover: none)").matches) input.blur(); // a phone's keyboard would cover the results
  });
  // The cross in the field clears the words as well; typing alone asks nothing.
  input.addEventListener("search", () => !input.value && store.get().text && submit());
  input.addEventListener("keydown", (event) => {
    if (event.key === "Backspace" && !input.value && store.get().terms.length) list.lastElementChild?.querySelector("button")?.focus(); // prettier-ignore
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    ask(input.value.trim());
  });
  form.addEventListener("pointerdown", (event) => {
    if (event.target !== form && event.target !== list) return;
    event.preventDefault();
    input.focus();
  });

  const add = (term) => store.set({ terms: [...store.get().terms, term], open: null });
  fill(
    document.getElementById("search-tools"),
    menu(button({ icon: "plus", label: "Add to the search or subtract from it", id: "add-term" }), (close) => addPanel({ add, close, file, choosePoint, input }), { align: "end", label: "Add to the search" }), // prettier-ignore
    button({ icon: "picture", label: "Search with a picture", on: { click: () => file.click() } }),
    button({ icon: "point", label: "Search like a point on the map", id: "point-tool", on: { click: choosePoint } }),
    button({ icon: "ask", text: "Ask", title: "Ask a question about the archive", id: "ask", on: { click: () => ask(input.value.trim()) } }),
    button({ icon: "search", label: "Search", class: "solid", type: "submit" }),
    file,
  );

  let chips = [];
  let shown = "";

  function show(state) {
    // Only what changed: words that were typed and not sent yet stay, whatever else is drawn anew.
    if (state.text !== shown) input.value = shown = state.text;
    const marks = state.plus.length + state.minus.length;
    const kept = new Map(chips.map((known) => [known.key, known]));
    chips = state.terms.map((term, at) => kept.get(chipKey(term, at)) ?? chip(store, term, at));
    chips.forEach(({ update }, at) => update(state.terms[at]));
    const nodes = [...chips.map(({ node }) => node), ...(marks ? [marksChip(store, state)] : [])];
    if (marks || nodes.length !== list.children.length || nodes.some((node, at) => node !== list.children[at])) fill(list, nodes);
    form.classList.toggle("has-terms", Boolean(state.terms.length || marks));
    input.placeholder = state.terms.length || marks ? "and words, if you like" : "Describe what you are looking for";
  }
  return { show, focus: () => (input.focus(), input.select()) };
}

function addPanel({ add, close, file, choosePoint, input }) {
  const words = el("input", { class: "field", type: "text", maxlength: 2000, "aria-label": "Words", placeholder: "e.g. clouds" });
  const put = (weight) => {
    const value = words.value.trim();
    if (!value) return words.focus();
    close(false);
    input.focus();
    add({ kind: "text", value, weight });
  };
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    put(1);
  });
  const choice = (name, text, work) =>
    button({ icon: name, text, class: "quiet choice", on: { click: () => (close(), work()) } });
  return [
    el("h3", { text: "More words" }),
    words,
    el("div", { class: "row" },
      button({ icon: "plus", text: "Add", class: "outline", on: { click: () => put(1) } }),
      button({ icon: "minus", text: "Subtract", class: "outline", on: { click: () => put(-1) } })),
    el("hr"),
    choice("picture", "A picture\u2026", () => file.click()),
    choice("point", "A point on the map", choosePoint),
    el("p", { class: "muted small", text: "Or drop or paste a picture anywhere, or choose More like this on a tile." }),
  ]; // prettier-ignore
}

/** A term in the bar. It stays the same node while its weight is dragged; `update` follows the state. */
function chip(store, first, at) {
  const label = termLabel(first);
  const change = (patch, options) => {
    const terms = store.get().terms.map((other, i) => (i === at ? { ...other, ...patch } : other));
    store.set({ terms }, options);
  };
  const remove = () => {
    store.set({ terms: store.get().terms.filter((_, i) => i !== at) });
    document.getElementById("text").focus();
  };
  const said = el("span", { class: "unseen" });
  const sign = el("span", { class: "term-sign", "aria-hidden": "true" });
  const times = el("span", { class: "term-weight" });
  const body = el("button", { type: "button", class: "term-body", title: label }, ...[said, sign, picture(first, store.get().index) ?? (first.kind === "text" ? null : icon(ICONS[first.kind])), el("span", { class: "term-label", text: label }), times].filter(Boolean)); // prettier-ignore
  const weighing = menu(body, () => weightPanel({ label, weight: store.get().terms[at].weight, change }), { label: `Weight of ${label}` }); // prettier-ignore
  const node = el("li", {}, weighing, button({ icon: "close", label: `Remove ${label}`, class: "term-remove", on: { click: remove } })); // prettier-ignore
  const update = ({ weight }) => {
    node.className = `term is-${weight < 0 ? "minus" : "plus"}`;
    sign.textContent = weight < 0 ? "\u2212" : "+";
    times.textContent = Math.abs(weight) === 1 ? "" : `\u00d7${Math.abs(weight)}`;
    said.textContent = `Change the weight of: ${weight < 0 ? "subtract " : ""}`;
  };
  update(first);
  return { node, update, key: chipKey(first, at) };
}

const chipKey = ({ kind, value }, at) => `${at} ${kind} ${value}`;

function picture({ kind, value }, index) {
  if (kind === "like") return el("img", { class: "term-picture", src: tileAddress(value, "preview.webp", { index }), alt: "", width: 22, height: 22 }); // prettier-ignore
  if (kind !== "picture") return null;
  const holder = el("span", { class: "term-picture" }, icon("picture"));
  thumbnail(value).then(async (address) => {
    if (address) return fill(holder, el("img", { src: address, alt: "", width: 22, height: 22 }));
    const known = await pictureFile(value).catch(() => null);
    holder.classList.toggle("is-missing", !known);
  });
  return holder;
}

function weightPanel({ label, weight, change }) {
  const output = el("output", { class: "weight-value", text: signedNumber(weight) });
  const slider = el("input", { type: "range", min: -2, max: 2, step: 0.25, value: weight, "aria-label": `Weight of ${label}` });
  const later = debounce((value) => change({ weight: value }, { push: false }), 350);
  slider.addEventListener("input", () => {
    const value = Number(slider.value) || 0.25; // a weight of nothing would be no term
    output.textContent = signedNumber(value);
    later(value);
  });
  return [
    el("div", { class: "row weight-head" }, el("h3", { text: "Weight" }), output),
    slider,
    el("div", { class: "row weight-ends muted small" }, el("span", { text: "subtract" }), el("span", { text: "add" })),
  ];
}

const signedNumber = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(value)}`;

function marksChip(store, { plus, minus }) {
  const text = [plus.length && `+${plus.length}`, minus.length && `\u2212${minus.length}`].filter(Boolean).join(" ");
  return el("li", { class: "term is-marks" },
    el("span", { class: "term-body" }, el("span", { class: "term-label", text: `marked ${text}` })),
    button({ icon: "close", label: "Remove all marks", class: "term-remove", on: { click: () => store.set({ plus: [], minus: [] }) } })); // prettier-ignore
}
