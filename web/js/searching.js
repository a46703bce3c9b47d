// Asking the server: one search at a time, the counts after it, and what is known of how it goes.

import * as api from "./api.js";
import { browseParams, browsedTiles, facetRequests, searchRequest, withoutTokens, withTokens } from "./request.js";
import { asksSomething } from "./state.js";
import { resolutionFor } from "./stage.js";

const LONG_MS = 1000; // from here tiles-to-come are drawn
const SLOW_MS = 5000; // from here the page says that it is slow
const MOST_UNASKED = 600; // hits loaded by scrolling; more on request only

const NOTHING = { hits: [], matched: 0, took: 0, next: null, remarks: [], why: {}, error: null, long: false, loadingMore: false, moreProblem: null }; // prettier-ignore

/**
 * Build the searcher. `view()` holds `status` (idle, loading, slow, done, stopped, error), hits, counts and what failed.
 * `wantsCells()` returns the view of the map, or null while there is none.
 */
export function createSearcher({ store, onChange, wantsCells }) {
  let view = { ...NOTHING, status: "idle", turn: 0, facets: null, countProblem: null, cells: [] };
  let timers = [];
  let answered = () => {};
  let resolution = null;

  function set(patch) {
    view = { ...view, ...patch };
    onChange();
  }

  function wait() {
    timers.forEach(clearTimeout);
    timers = [
      setTimeout(() => set({ long: true }), LONG_MS),
      setTimeout(() => set({ status: "slow", turn: view.turn + 0.5 }), SLOW_MS),
    ];
  }

  function settle(patch) {
    timers.forEach(clearTimeout);
    set({ long: false, ...patch });
  }

  async function run() {
    const state = store.get();
    const turn = Math.floor(view.turn) + 1;
    api.stop("search");
    api.stop("more");
    api.stop("browse");
    if (!asksSomething(state)) return look(state, turn);
    set({ status: "loading", turn, error: null, moreProblem: null, loadingMore: false });
    wait();
    try {
      const answer = await api.search(await searchRequest(state));
      if (Math.floor(view.turn) !== turn) return;
      const terms = withTokens(state.terms, answer.query);
      if (terms !== state.terms) store.set({ terms }, { push: false });
      settle({ ...NOTHING, ...read(answer), status: "done" });
      answered(view);
      count();
    } catch (error) {
      if (api.isAbort(error) || Math.floor(view.turn) !== turn) return;
      // A token is of one encoder; where the index has got another, the picture itself still works.
      const terms = error.status === 400 ? await withoutTokens(state.terms) : null;
      if (terms) {
        store.set({ terms }, { push: false });
        return run();
      }
      settle({ ...NOTHING, status: "error", error });
    }
  }

  /** Show some of the newest tiles while nothing is asked. What fails here leaves the welcome without pictures. */
  async function look(state, turn) {
    settle({ ...NOTHING, status: "idle", turn });
    count();
    if (state.index) return; // the STAC root is that of the first index
    const found = await api.browse(browseParams(state)).catch(() => null);
    if (found && Math.floor(view.turn) === turn) set({ hits: browsedTiles(found), matched: found.numberMatched ?? 0 });
  }

  function stop() {
    api.stop("search");
    settle({ ...NOTHING, status: "stopped", turn: Math.floor(view.turn) + 1 });
  }

  async function more() {
    if (view.status !== "done" || !view.next || view.loadingMore) return;
    const { turn, next: cursor } = view;
    set({ loadingMore: true, moreProblem: null });
    try {
      const page = read(await api.searchMore(await searchRequest(store.get(), { cursor })));
      if (view.turn !== turn) return;
      const seen = new Set(view.hits.map((hit) => hit.tile_id));
      set({ hits: [...view.hits, ...page.hits.filter((hit) => !seen.has(hit.tile_id))], next: page.next, loadingMore: false });
    } catch (error) {
      if (!api.isAbort(error) && view.turn === turn) set({ loadingMore: false, moreProblem: error.message, next: null });
    }
  }

  /** The view of the map where its hexagons are shown: when asked for, and while nothing else is. */
  const cellsWanted = (state) => (state.hexagons || !asksSomething(state) ? wantsCells() : null);

  /** Ask for the counts beside the filters; what fails is said there and hides no hits. */
  async function count() {
    const { turn } = view;
    const state = store.get();
    const bounds = cellsWanted(state);
    resolution = bounds ? resolutionFor(bounds) : null;
    try {
      const requests = await facetRequests(state, { hexagons: Boolean(bounds), resolution });
      const found = await Promise.allSettled(requests.map(({ kind, request }) => api.facets(request, kind)));
      if (view.turn !== turn || found.some(({ reason }) => api.isAbort(reason))) return;
      const facets = Object.assign({}, view.facets, ...found.map(({ value }) => value ?? {}));
      const problem = found.find(({ status }) => status === "rejected")?.reason.message ?? null;
      set({ facets, countProblem: problem, cells: bounds ? (facets.h3 ?? []) : view.cells });
    } catch (error) {
      if (view.turn === turn) set({ countProblem: error.message });
    }
  }

  /** Count by hexagon again where the map shows another scale. */
  async function countCells() {
    const bounds = cellsWanted(store.get());
    if (!bounds || (resolutionFor(bounds) === resolution && view.cells.length)) return;
    await count();
  }

  return {
    view: () => view,
    run,
    stop,
    count,
    countCells,
    more: () => view.hits.length < MOST_UNASKED && more(),
    moreAsked: more,
    fail: (error) => settle({ ...NOTHING, status: "error", error, turn: view.turn + 1 }),
    onAnswer: (listener) => (answered = listener),
  };
}

/** Return the answer by the page's names. */
const read = ({ hits, matched, took_ms: took, next, remarks, why }) => ({ hits, matched, took, next: hits.length ? (next ?? null) : null, remarks: remarks ?? [], why: why ?? {} }); // prettier-ignore
