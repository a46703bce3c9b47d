// The map, its tools and the timeline. Where the map cannot start, the page goes on without and says so.

import { button, debounce, el, fill, icon } from "./dom.js";

const CELLS_ACROSS = 24; // hexagons wanted over the width of the map

/** Return the H3 resolution whose cells divide a view of that many degrees into about CELLS_ACROSS. */
export function resolutionFor([west, , east]) {
  const degrees = Math.max(0.01, east >= west ? east - west : east - west + 360);
  // A cell of resolution 0 is about 20 degrees wide; each finer one is smaller by the square root of 7.
  // https://h3geo.org/docs/core-library/restable
  const resolution = Math.round(Math.log(20 / (degrees / CELLS_ACROSS)) / Math.log(Math.sqrt(7)));
  return Math.max(0, Math.min(8, resolution));
}

/** Build the stage. `actions`: hover, select, point([lon, lat]), area(geometry|null), moved(bbox), dates(start, end). */
export function createStage({ store, theme, actions }) {
  const host = document.getElementById("map");
  const tools = document.getElementById("map-tools");
  let map = null;
  let timeline = null;
  let hits = [];
  let cells = [];
  let pending = null; // what was asked of the map before it was there
  const previews = createPreviews();
  let view = null; // [west, south, east, north] that the map shows

  const press = (name, label, work, extra = {}) => button({ icon: name, label, class: "outline map-tool", on: { click: work }, ...extra }); // prettier-ignore
  const drawing = (work) => () => map && work();
  const hexagons = press("hexagon", "Show where matches are dense", () => store.set({ hexagons: !store.get().hexagons }), { id: "hexagons", "aria-pressed": "false" }); // prettier-ignore
  const clear = press("close", "Remove the drawn area", () => store.set({ area: null }), { id: "clear-area", hidden: true });
  fill(
    tools,
    press("box", "Draw a box", drawing(() => map.drawBox()), { id: "draw-box" }),
    press("polygon", "Draw a polygon", drawing(() => map.drawPolygon()), { id: "draw-polygon" }),
    clear,
    hexagons,
    press("fit", "Show all results", drawing(() => map.fit(hits)), { id: "fit" }),
  ); // prettier-ignore

  const unavailable = (error) => {
    tools.hidden = true;
    fill(host, el("div", { class: "map-missing", role: "status" }, icon("map"), el("h2", { text: "The map cannot be shown" }), el("p", { text: error?.message ?? "This browser cannot draw it." }), el("p", { class: "muted", text: "Search, filters and results work without it." }))); // prettier-ignore
  };

  const callbacks = {
    onHover: (id) => actions.hover(id),
    onSelect: (id) => actions.select(id),
    onPoint: (point) => actions.point(point),
    onArea: (found) => actions.area(found),
    onMoveEnd: debounce((bbox) => {
      view = bbox;
      actions.moved(bbox);
    }, 250),
  };

  async function start() {
    try {
      const { createMap } = await import("./map.js");
      map = createMap(host, callbacks);
    } catch (error) {
      map = await startPlain(error);
    }
    if (!map) return;
    host.addEventListener("map-problem", ({ detail }) => actions.problem(detail));
    map.setTheme(theme.shown());
    show({ state: store.get(), hits, cells });
    if (hits.length) map.fit(hits);
    pending?.();
    pending = null;
  }

  async function startPlain(error) {
    try {
      const { createMap } = await import("./map_plain.js");
      const plain = createMap(host, callbacks);
      actions.problem(error.message);
      return plain;
    } catch {
      unavailable(error);
      return null;
    }
  }

  async function startTimeline() {
    const holder = document.getElementById("timeline");
    try {
      const { createTimeline } = await import("./timeline.js");
      timeline = createTimeline(holder, { onChange: (from, to) => actions.dates(from, to) });
    } catch (error) {
      holder.hidden = true;
      console.warn(`timeline: ${error.message}`);
    }
  }

  function show({ state, hits: next, cells: counted }) {
    hexagons.setAttribute("aria-pressed", String(state.hexagons));
    clear.hidden = !state.area;
    const changed = next !== hits;
    hits = next;
    cells = counted ?? [];
    if (!map) return;
    if (changed || !show.done) map.setHits(previews.of(hits));
    show.done = true;
    if (cells !== show.cells) map.setHexagons(cells);
    show.cells = cells;
  }

  theme.onChange((shown) => map?.setTheme(shown));

  return {
    start: () => Promise.all([start(), startTimeline()]),
    show,
    fit: () => map?.fit(hits),
    setArea: (geometry) => (map ? map.setArea(geometry) : (pending = () => map.setArea(geometry))),
    highlight: (id) => map?.highlight(id),
    select: (id) => map?.select?.(id),
    resize: () => map?.resize?.(),
    histogram: (bins) => timeline?.setHistogram(bins),
    range: (dates) => timeline?.setRange(dates?.[0] || null, dates?.[1] || null),
    /** Let people click a point; false where there is no map. */
    pickPoint() {
      if (map?.pickPoint) map.pickPoint();
      return Boolean(map?.pickPoint);
    },
    view: () => view,
    /** Move to a bbox. */
    goTo(bbox) {
      if (map && bbox) map.fit([{ tile_id: "extent", bbox }]);
    },
    /** Move to the results, unless the map shows some of them already. */
    bringIntoView() {
      if (!map || !hits.length) return;
      if (!hits.some(({ centroid }) => centroid && inside(view, centroid))) map.fit(hits);
    },
  };
}

function inside(view, [lon, lat]) {
  if (!view) return false;
  const [west, south, east, north] = view;
  // A world that is seen as a whole shows everything, and nothing of it.
  if (east - west > 300) return false;
  return [-360, 0, 360].some((turn) => lon + turn >= west && lon + turn <= east) && lat >= south && lat <= north;
}

/** Previews as files in memory: the map fetches what it draws, and the policy lets it fetch no data URIs. */
function createPreviews() {
  let made = new Map(); // tile id -> address
  return {
    of(hits) {
      const kept = new Map();
      const given = hits.map((hit) => {
        if (!hit.preview?.startsWith("data:image/")) return hit;
        const preview = made.get(hit.tile_id) ?? URL.createObjectURL(blobOf(hit.preview));
        kept.set(hit.tile_id, preview);
        return { ...hit, preview, links: { ...hit.links, preview } };
      });
      for (const [id, preview] of made) if (!kept.has(id)) URL.revokeObjectURL(preview);
      made = kept;
      return given;
    },
  };
}

function blobOf(uri) {
  const [, type, encoded] = /^data:([^;,]+);base64,(.*)$/.exec(uri);
  return new Blob([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))], { type });
}
