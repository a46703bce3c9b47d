// The page: what people do changes the store, the store changes what is asked, answers change what is shown.

import * as api from "./api.js";
import { createAnswer } from "./answering.js";
import { areaFrom, geometryOf } from "./areas.js";
import { button, el, fill, menu } from "./dom.js";
import { createDrawer } from "./drawer.js";
import { createExport } from "./exporting.js";
import { createFilters } from "./filters.js";
import { date, plural, tileLine } from "./format.js";
import { createGrid } from "./grid.js";
import { listenToKeys, KEYS } from "./keys.js";
import * as notices from "./notices.js";
import { listenForPictures } from "./dropping.js";
import { keepPicture } from "./pictures.js";
import { bySensor } from "./renderings.js";
import { createHead } from "./results.js";
import { createSearcher } from "./searching.js";
import { createSearchbar, termLabel } from "./searchbar.js";
import { asksSomething, createStore, sameSearch } from "./state.js";
import { createStage } from "./stage.js";
import { createTheme, THEMES } from "./theme.js";
import { createWatches } from "./watches.js";

const $ = (id) => document.getElementById(id);
const store = createStore();
const theme = createTheme();
let description = null;
let renderings = new Map();
let cited = null; // tile id -> marks of the answer's citations
let evidence = []; // tiles that an answer rests on; the map shows them beside the hits

const searcher = createSearcher({ store, onChange: () => show(), wantsCells: () => stage.view() });
const results = () => searcher.view();

// What people can do with a tile.

const openTile = (id) => store.set({ open: id }, { push: !store.get().open });
const likeTile = (id) => store.set({ text: "", terms: [{ kind: "like", value: id, weight: 1 }], plus: [], minus: [], open: null, pane: "results" }); // prettier-ignore
const addTerm = (term) => store.set({ terms: [...store.get().terms, term], open: null });

function mark(id, kind) {
  const other = kind === "plus" ? "minus" : "plus";
  const state = store.get();
  const on = !state[kind].includes(id);
  const without = (ids) => ids.filter((each) => each !== id);
  store.set({ [kind]: on ? [...state[kind], id] : without(state[kind]), [other]: without(state[other]) });
  say(on ? `Marked ${kind === "plus" ? "right" : "wrong"}.` : "Mark removed.");
}

function step(by) {
  const next = grid.neighbour(store.get().open, by);
  if (next) store.set({ open: next }, { push: false });
}

function closeTile() {
  store.set({ open: null });
}

async function searchPicture(file) {
  try {
    const key = await keepPicture(file);
    addTerm({ kind: "picture", value: key, weight: 1 });
  } catch (error) {
    notices.toast(error.message, { error: true });
  }
}

function choosePoint() {
  store.set({ pane: "map" }, { push: false });
  if (!stage.pickPoint()) notices.toast("A point needs the map, which cannot be shown here.", { error: true });
}

// The parts.

const stage = createStage({
  store,
  theme,
  actions: {
    hover: (id) => grid.highlight(id, { scroll: Boolean(id) }),
    select: openTile,
    point: (point) => (addTerm({ kind: "point", value: point, weight: 1 }), store.set({ pane: "results" }, { push: false })),
    area: (geometry) => store.set({ area: areaFrom(geometry) }),
    moved: () => searcher.countCells(),
    dates: (from, to) => store.set({ datetime: from || to ? [from ?? "", to ?? ""] : null }),
    problem: (text) => notices.toast(text, { error: true }),
  },
});

const grid = createGrid({
  list: $("grid"),
  actions: { open: openTile, like: likeTile, mark, hover: (id) => (stage.highlight(id), grid.highlight(id)) },
});

const drawer = createDrawer({
  drawer: $("drawer"),
  store,
  renderings: () => renderings,
  known: (id) => results().hits.find((hit) => hit.tile_id === id && !hit.partial) ?? null,
  actions: { close: closeTile, step, like: likeTile, add: (id, weight) => addTerm({ kind: "like", value: id, weight }), mark, open: (id) => store.set({ open: id }, { push: false }) }, // prettier-ignore
});

const answer = createAnswer({
  holder: $("answer"),
  store,
  light: (id) => (stage.highlight(id), grid.highlight(id)),
  go: (id) => (grid.flash(id), openTile(id)),
  cite(marks, tiles) {
    cited = marks;
    evidence = tiles;
    show();
    if (tiles.length) stage.bringIntoView();
  },
  about: () => ({ answers: description?.answers, sensors: Object.keys(description?.sensors ?? {}) }),
  toast: notices.toast,
});

const searchbar = createSearchbar({
  store,
  onPicture: searchPicture,
  choosePoint,
  ask: (question) => {
    store.set({ pane: "results" }, { push: false });
    answer.run(question);
  },
});
const setPane = (pane) => store.set({ pane }, { push: false });
const exporting = createExport({ store, results });
const head = createHead({ holder: $("results-head"), store, exporting, openFilters: () => toggleFilters(true) });
const filters = createFilters({ panel: $("filters"), store, retry: () => searcher.count(), close: () => toggleFilters(false) }); // prettier-ignore

function toggleFilters(on) {
  document.body.classList.toggle("shows-filters", on);
  setPane(on && innerWidth <= 760 ? "filters" : "results");
  (on ? $("filters").querySelector("input, button") : $("filters-open"))?.focus();
}

// What is shown.

const NO_CELLS = [];
const NO_HITS = []; // a look at the newest is no result: the map shows where the archive is instead

function show() {
  const state = store.get();
  const view = { ...results(), description, renderings };
  document.body.dataset.pane = state.pane;
  document.body.dataset.status = view.status;
  document.title = [state.text || state.terms.map(termLabel).join(", "), "Swath"].filter(Boolean).join(" \u00b7 ");
  searchbar.show(state);
  head({ state, view });
  filters({ state, ...view, asked: asksSomething(state), problem: view.countProblem });
  showNotices(state, view);
  showGrid(state, view);
  const cells = state.hexagons || view.status === "idle" ? view.cells : NO_CELLS;
  stage.show({ state, hits: onTheMap(view), cells });
  stage.histogram(view.facets?.time ?? []);
  stage.range(state.datetime);
  showPanes(state, view);
}

/** The hits, or what an answer rests on; the same list as long as nothing changes. */
function onTheMap(view) {
  const hits = view.status === "idle" ? NO_HITS : view.hits;
  if (!evidence.length) return hits;
  if (onTheMap.hits !== hits || onTheMap.evidence !== evidence) {
    const known = new Set(hits.map(({ tile_id: id }) => id));
    onTheMap.all = [...evidence.filter(({ tile_id: id }) => !known.has(id)), ...hits];
    Object.assign(onTheMap, { hits, evidence });
  }
  return onTheMap.all;
}

function showNotices(state, view) {
  const given = {
    idle: () => notices.welcome({ description, matched: view.matched, looks: view.hits.length > 0, ask: (text) => store.set({ text }) }),
    slow: () => notices.slow(searcher.stop),
    done: () => (view.hits.length ? null : notices.nothing({ state, matched: view.matched, store })),
    stopped: () => notices.stopped(searcher.run),
    error: () =>
      notices.failure({ error: view.error, retry: searcher.run, store }) ??
      notices.keyForm({ error: view.error, submit: submitKey }),
  }[view.status];
  const remarks = view.status === "done" ? notices.remarks(view.remarks) : [];
  const key = JSON.stringify([view.status, view.status === "idle" && [description?.tiles, view.hits.length], view.turn]);
  if (showNotices.key === key) return;
  showNotices.key = key;
  fill($("notices"), given?.(), remarks);
}

function showGrid(state, view) {
  const waiting = view.status === "slow" || (view.status === "loading" && view.long);
  $("grid").setAttribute("aria-busy", String(view.status === "loading" || waiting));
  if (waiting) {
    if (!$("grid").querySelector(".skeleton")) grid.skeletons(24);
  } else grid.show({ hits: view.hits, state, renderings, cited });
  const more = view.status === "done" && view.next;
  fill($("grid-end"), more ? button({ text: view.loadingMore ? "Loading\u2026" : "Show more", class: "outline more", disabled: view.loadingMore, on: { click: searcher.moreAsked } }) : null, view.moreProblem ? el("p", { class: "small", role: "alert", text: `More could not be loaded: ${view.moreProblem}` }) : null); // prettier-ignore
}

const panes = ["results", "map", "filters"].map((name) => button({ icon: { results: "grid", map: "map", filters: "filter" }[name], text: { results: "Results", map: "Map", filters: "Filters" }[name], class: "pane-tab", data: { pane: name }, on: { click: () => setPane(name) } })); // prettier-ignore
fill($("panes"), panes);

function showPanes(state) {
  for (const tab of panes) {
    if (tab.dataset.pane === state.pane) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

const themeButton = button({ icon: "auto", label: "Theme", id: "theme", on: { click: () => theme.next() } });
const showTheme = () => {
  const label = `Theme: ${THEMES[theme.chosen()]}`;
  fill(themeButton, button({ icon: { auto: "auto", light: "sun", dark: "moon" }[theme.chosen()], label }).firstChild);
  themeButton.setAttribute("aria-label", label);
  themeButton.title = label;
};
theme.onChange(showTheme);
showTheme();
const keysMenu = menu(button({ icon: "keys", label: "Keys", id: "keys" }), () => [el("h3", { text: "Keys" }), el("dl", { class: "keys" }, KEYS.flatMap(([key, text]) => [el("dt", {}, el("kbd", { text: key })), el("dd", { text })]))], { align: "end", label: "Keys" }); // prettier-ignore
fill($("top-tools"), keysMenu, themeButton);
const watches = createWatches({ holder: $("top-tools"), open: openTile });

function say(text) {
  $("live").textContent = text;
}

// What happens.

store.subscribe((state, before) => {
  if (!sameSearch(state, before)) searcher.run();
  if (state.index !== before.index) (answer.close(), load());
  if (JSON.stringify(state.area) !== JSON.stringify(before.area)) stage.setArea(geometryOf(state.area));
  if (state.open !== before.open) showOpen(state);
  if (state.hexagons && !before.hexagons) searcher.countCells();
  show();
  drawer.follow(state);
  if (state.pane !== before.pane && state.pane === "map") requestAnimationFrame(() => (stage.resize(), stage.bringIntoView()));
});

searcher.onAnswer((view) => {
  stage.bringIntoView();
  say(view.hits.length ? `${plural(view.matched, "tile")} match. Best: ${tileLine(view.hits[0])}, ${date(view.hits[0].datetime)}.` : "No results.");
  $("results-body").scrollTop = 0;
});

function showOpen(state) {
  if (state.open) drawer.open(state.open);
  else drawer.close();
  stage.select(state.open);
  stage.highlight(state.open);
}

async function submitKey(key) {
  try {
    await api.useKey(key);
    load();
    searcher.run();
  } catch (error) {
    notices.toast(error.message, { error: true });
  }
}

/** Beside the rest: nothing waits for it. */
async function showWatches(index) {
  const [kept] = await Promise.allSettled([api.watches(index)]);
  watches.show(kept.status === "fulfilled" ? kept.value.watches : [], index);
}

async function load() {
  const { index } = store.get();
  showWatches(index);
  const found = await Promise.allSettled([api.describe(index), api.renderings(index)]);
  const [told, drawn] = found;
  if (told.status === "fulfilled") description = told.value;
  else if (!asksSomething(store.get())) searcher.fail(told.reason);
  if (drawn.status === "fulfilled") renderings = bySensor(drawn.value);
  drawer.redraw();
  if (!asksSomething(store.get())) stage.goTo(description?.bbox);
  show();
}

async function loadIndexes() {
  const answered = await api.indexes().catch(() => null);
  const names = (Array.isArray(answered) ? answered : (answered?.indexes ?? [])).map((entry) => entry.name ?? entry);
  if (names.length < 2) return;
  const select = el("select", { class: "field", id: "index", "aria-label": "Archive" }, names.map((name) => el("option", { value: name, text: name }))); // prettier-ignore
  select.value = store.get().index ?? names[0];
  select.addEventListener("change", () => store.set({ index: select.value === names[0] ? null : select.value, plus: [], minus: [], open: null, terms: store.get().terms.filter(({ kind }) => kind !== "like") })); // prettier-ignore
  $("top-tools").prepend(select);
}

$("brand").addEventListener("click", (event) => {
  if (event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  answer.close();
  store.set({ ...store.blank(), index: store.get().index });
  searchbar.focus();
});

listenForPictures($("drop"), searchPicture);

listenToKeys({
  focusSearch: searchbar.focus,
  focusGrid: () => grid.focus(),
  tile: () => grid.current() ?? drawer.shown(),
  drawerOpen: () => Boolean(drawer.shown()),
  mark,
  like: likeTile,
  close: closeTile,
  step,
  help: () => $("keys").click(),
});

const end = new IntersectionObserver(([entry]) => entry.isIntersecting && searcher.more(), { root: $("results-body"), rootMargin: "400px" }); // prettier-ignore
end.observe($("grid-end"));

// What comes first: the answer, then everything around it.

show();
searcher.run();
load();
loadIndexes();
stage.setArea(geometryOf(store.get().area));
stage.start().then(() => {
  show();
  if (asksSomething(store.get())) stage.bringIntoView();
  else stage.goTo(description?.bbox);
  searcher.countCells();
  if (store.get().open) stage.select(store.get().open);
});
if (store.get().open) drawer.open(store.get().open);
