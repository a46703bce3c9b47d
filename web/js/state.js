// One store for the whole page, and its form in the address.
//
// What shapes the search is pushed to the history, so that back undoes it; what is dragged replaces the last entry.

export const DEFAULTS = Object.freeze({
  index: null, // name of the index; null for the server's first
  text: "",
  // Further parts: {kind: text|like|point|picture, value, weight}. A point is [lon, lat]; a picture is a key on this
  // device, and `token` what the server made of it, so that a link works elsewhere.
  terms: [],
  plus: [], // ids of tiles marked right
  minus: [], // ids of tiles marked wrong
  area: null, // {bbox: [w, s, e, n]} or {within: GeoJSON Polygon}
  datetime: null, // [start, end], RFC 3339 or "" for open
  sensor: [],
  collection: [],
  maxCloud: null, // percent
  minScore: null, // cosine
  minProbability: null, // 0..1
  rendering: null, // null for the stored preview
  hexagons: false,
  open: null, // id of the tile in the drawer
  pane: "results", // what a phone shows: results, map or filters
});

const SEARCH_KEYS = ["index", "text", "terms", "plus", "minus", "area", "datetime", "sensor", "collection", "maxCloud", "minScore", "minProbability"]; // prettier-ignore
const KINDS = new Set(["text", "like", "point", "picture"]);
const MAX_WEIGHT = 3;

/** Whether two states ask for the same hits; a picture stays the same when its token becomes known. */
export const sameSearch = (a, b) => SEARCH_KEYS.every((key) => same(asked(a, key), asked(b, key)));

const asked = (state, key) => (key === "terms" ? state.terms.map(({ token, ...term }) => term) : state[key]);

/** Whether anything is asked; filters alone ask for nothing. */
export const asksSomething = (state) => Boolean(state.text || state.terms.length || state.plus.length || state.minus.length);

/** Names of the filters that are set. */
export function filtersSet(state) {
  const names = ["area", "datetime", "maxCloud", "minScore", "minProbability"].filter((key) => state[key] !== null);
  return [...names, ...["sensor", "collection"].filter((key) => state[key].length)];
}

/** Return the state without its filters. */
export const withoutFilters = { area: null, datetime: null, sensor: [], collection: [], maxCloud: null, minScore: null, minProbability: null }; // prettier-ignore

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Return the query string of a state, without a leading question mark; what is as by default is left out. */
export function encode(state) {
  const params = new URLSearchParams();
  const put = (name, value) => value !== null && value !== "" && params.append(name, value);
  put("index", state.index);
  put("q", state.text);
  for (const term of state.terms) put("term", encodeTerm(term));
  for (const name of ["plus", "minus", "sensor", "collection"]) for (const value of state[name]) put(name, value);
  if (state.area?.bbox) put("bbox", state.area.bbox.map(rounded).join(","));
  if (state.area?.within) put("within", state.area.within.coordinates[0].map((point) => point.map(rounded).join(" ")).join(",")); // prettier-ignore
  if (state.datetime) put("datetime", state.datetime.map((end) => end || "..").join("/"));
  put("max_cloud", state.maxCloud);
  put("min_score", state.minScore);
  put("min_probability", state.minProbability);
  put("rendering", state.rendering);
  if (state.hexagons) put("hexagons", 1);
  put("tile", state.open);
  if (state.pane !== "results") put("pane", state.pane);
  return params.toString();
}

const rounded = (degrees) => Number(Number(degrees).toFixed(6)); // 0.1 m

function encodeTerm({ kind, value, weight, token }) {
  const shown = kind === "point" ? value.map(rounded).join(",") : token ? `${value}~${token}` : value;
  return `${kind}:${weight}:${shown}`;
}

/** Return the state a query string stands for; what cannot be read is left as by default. */
export function decode(search) {
  const params = new URLSearchParams(search);
  const numbers = (name, count) => {
    const found = (params.get(name) ?? "").split(",").map(Number);
    return found.length === count && params.get(name) && found.every(Number.isFinite) ? found : null;
  };
  const number = (name, low, high) => {
    const found = numbers(name, 1)?.[0] ?? null;
    return found === null ? null : Math.min(high, Math.max(low, found));
  };
  const bbox = numbers("bbox", 4);
  const within = decodeRing(params.get("within"));
  return {
    ...DEFAULTS,
    index: params.get("index"),
    text: (params.get("q") ?? params.get("text") ?? "").slice(0, 2000),
    terms: params.getAll("term").map(decodeTerm).filter(Boolean),
    plus: params.getAll("plus"),
    minus: params.getAll("minus"),
    area: bbox ? { bbox } : within ? { within } : null,
    datetime: decodeDates(params.get("datetime")),
    sensor: params.getAll("sensor"),
    collection: params.getAll("collection"),
    maxCloud: number("max_cloud", 0, 100),
    minScore: number("min_score", -1, 1),
    minProbability: number("min_probability", 0, 1),
    rendering: params.get("rendering"),
    hexagons: params.get("hexagons") === "1",
    open: params.get("tile"),
    pane: ["map", "filters"].includes(params.get("pane")) ? params.get("pane") : "results",
  };
}

function decodeTerm(text) {
  const [, kind, weight, value] = /^(\w+):(-?[\d.]+):([^]+)$/.exec(text) ?? [];
  if (!KINDS.has(kind) || !Number.isFinite(Number(weight))) return null;
  const limited = Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, Number(weight))) || 1;
  if (kind === "picture") {
    const [key, token] = value.split("~");
    return { kind, value: key, weight: limited, ...(token ? { token } : {}) };
  }
  if (kind !== "point") return { kind, value, weight: limited };
  const point = value.split(",").map(Number);
  return point.length === 2 && point.every(Number.isFinite) ? { kind, value: point, weight: limited } : null;
}

function decodeDates(text) {
  const ends = (text ?? "").split("/").map((end) => (end === ".." ? "" : end));
  return ends.length === 2 && ends.some(Boolean) && ends.every((end) => !end || !Number.isNaN(Date.parse(end))) ? ends : null;
}

function decodeRing(text) {
  const ring = (text ?? "").split(",").map((point) => point.trim().split(" ").map(Number));
  const right = ring.length >= 4 && ring.every((point) => point.length === 2 && point.every(Number.isFinite));
  return right ? { type: "Polygon", coordinates: [ring] } : null;
}

/** The store: `get()`, `set(patch, {push})`, `subscribe(listener(state, before))`. */
export function createStore({ location = window.location, history = window.history } = {}) {
  let state = decode(location.search);
  const listeners = new Set();
  const tell = (before) => listeners.forEach((listener) => listener(state, before));
  const address = () => {
    const query = encode(state);
    return location.pathname + (query ? `?${query}` : "") + location.hash;
  };
  window.addEventListener("popstate", () => {
    const before = state;
    state = decode(location.search);
    tell(before);
  });
  return {
    get: () => state,
    blank: () => ({ ...DEFAULTS }),
    set(patch, { push = true } = {}) {
      const changed = Object.keys(patch).filter((key) => !same(state[key], patch[key]));
      if (!changed.length) return;
      const before = state;
      state = { ...state, ...patch };
      history[push ? "pushState" : "replaceState"](null, "", address());
      tell(before);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
