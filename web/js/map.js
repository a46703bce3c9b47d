// The map of the page: results, areas and density over a Natural Earth basemap. A plain module; nothing to build.

import { createDrawing } from "./draw.js";
import { nothing } from "./map_basemap.js";
import { boundsOf, extentOf, polygonsOf } from "./map_geometry.js";
import { hexagonFeatures, withBoundaries } from "./map_hexagons.js";
import { boundsOfRows, clusterZoom, focusFeatures, hitFeatures, prepareHits } from "./map_hits.js";
import { createLegend, createTip, describeHit } from "./map_legend.js";
import { createPictures } from "./map_pictures.js";
import { calm, loadBasemap, openMap, requireWebGl } from "./map_open.js";
import { loadSheets } from "./map_sheets.js";
import { layersFor } from "./map_style.js";

const REACH_PX = 4; // how near to a result the pointer counts as on it
const FIT = { padding: 56, maxZoom: 12.5, duration: 700 };

/**
 * Create the map in an element.
 *
 * Callbacks: `onHover(tileId | null)`, `onSelect(tileId)`, `onPoint([lon, lat])`, `onMoveEnd([west, south, east, north])`,
 * `onArea(geometry | null)`. Longitude comes first everywhere, in degrees; a geometry drawn as a box has a `bbox`.
 * Throws an Error that says why where the browser cannot draw it (no WebGL 2); map_plain.js then draws without.
 */
export function createMap(element, { onHover, onSelect, onPoint, onMoveEnd, onArea } = {}) {
  requireWebGl();
  loadSheets(["../vendor/maplibre-gl.css", "map.css"]);
  element.classList.add("map-host");
  const canvasHost = element.appendChild(document.createElement("div"));
  canvasHost.className = "map-canvas";
  // Its size before the style sheet is there: a camera that starts moving keeps the size it started with.
  Object.assign(canvasHost.style, { position: "absolute", inset: "0" });
  if (getComputedStyle(element).position === "static") element.style.position = "relative";
  const state = { theme: "light", hits: prepareHits([]), hover: null, chosen: null, cells: [], hexagons: hexagonFeatures([]), area: null }; // prettier-ignore
  const stopLoading = new AbortController();
  const map = openMap(canvasHost);
  const legend = createLegend(element);
  const tip = createTip(element);
  const pictures = createPictures(map, "hit-casing");
  const drawing = createDrawing(map, element, { paint: paintArea, onArea, onPoint, show: showArea });
  let styled = false;

  map.once("style.load", () => {
    styled = true;
    showAll();
    loadBasemap(map, stopLoading.signal, problem);
  });
  map.on("error", ({ error, sourceId }) => {
    if (!pictures.failed(sourceId)) console.warn(`map: ${error?.message ?? error}`);
  });
  map.on("moveend", () => {
    if (styled) pictures.update(state.hits.rows);
    const box = map.getBounds();
    onMoveEnd?.([box.getWest(), box.getSouth(), box.getEast(), box.getNorth()]);
  });
  listenToPointer();
  const watcher = new ResizeObserver(() => {
    map.resize();
    if (map.isMoving()) map.once("moveend", () => map.resize());
  });
  watcher.observe(canvasHost);

  /** Tell the page what is wrong with the map: an event `map-problem` on the element, with a sentence as `detail`. */
  function problem(message) {
    element.dispatchEvent(new CustomEvent("map-problem", { detail: message }));
  }

  function put(source, data) {
    if (styled) map.getSource(source).setData(data);
  }

  function paintArea(geometry) {
    state.area = geometry;
    put("area", geometry ? { type: "Feature", properties: {}, geometry } : nothing());
  }

  /** Bring an area that was typed into view. */
  function showArea(geometry) {
    map.fitBounds(boundsOf([extentOf(polygonsOf(geometry))]), { ...FIT, duration: calm() ? 0 : FIT.duration });
  }

  function showAll() {
    legend.setTheme(state.theme);
    showHits();
    showHexagons();
    paintArea(state.area);
    drawing.refresh();
    map.getContainer().dataset.ready = "true";
  }

  function showHits() {
    legend.setScores(state.hits.range);
    if (!styled) return;
    const { shapes, points } = hitFeatures(state.hits);
    pictures.clear();
    map.getSource("points").setClusterOptions({ cluster: true, clusterMaxZoom: clusterZoom(state.hits), clusterRadius: 26 }); // prettier-ignore
    put("hits", shapes);
    put("points", points);
    showFocus();
    pictures.update(state.hits.rows);
  }

  function showFocus() {
    put("focus", focusFeatures(state.hits.byId.get(state.hover), state.hits.byId.get(state.chosen)));
  }

  function showHexagons() {
    legend.setCounts(state.hexagons.range);
    put("hexagons", state.hexagons.data);
  }

  /** Return the rows under a point of the screen, best first; and the cluster there. */
  function under({ x, y }) {
    if (!styled) return { rows: [], cluster: null, cell: null };
    const box = [[x - REACH_PX, y - REACH_PX], [x + REACH_PX, y + REACH_PX]]; // prettier-ignore
    const found = map.queryRenderedFeatures(box, { layers: ["clusters", "hit-points", "hit-fill", "hexagon-fill"] });
    const small = map.getZoom();
    const visible = ({ layer, properties: { z } }) => (layer.id === "hit-points" ? z > small : z <= small);
    const places = found.filter(({ layer }) => layer.id.startsWith("hit")).filter(visible);
    const indexes = [...new Set(places.map((feature) => feature.properties.i))];
    const rows = indexes.map((index) => state.hits.rows.find((row) => row.index === index)).filter(Boolean);
    return {
      rows: rows.sort((a, b) => b.strength - a.strength),
      cluster: found.find(({ layer }) => layer.id === "clusters") ?? null,
      cell: found.find(({ layer }) => layer.id === "hexagon-fill") ?? null,
    };
  }

  function listenToPointer() {
    map.on("mousemove", ({ point }) => {
      if (drawing.busy()) return tip.hide();
      const { rows, cluster, cell } = under(point);
      map.getCanvas().style.cursor = rows.length || cluster ? "pointer" : "";
      hoverOn(cluster ? null : (rows[0]?.id ?? null));
      if (cluster) tip.show(point, [`${cluster.properties.point_count} results`, "Click to zoom in"]);
      else if (rows.length) tip.show(point, [...describeHit(rows[0].hit), ...(rows.length > 1 ? [`${rows.length} overlap here; click again for the next`] : [])]); // prettier-ignore
      else if (cell) tip.show(point, [`${cell.properties.count.toLocaleString("en")} matches`, ...bestOf(cell)]);
      else tip.hide();
    });
    map.on("mouseout", () => {
      tip.hide();
      hoverOn(null);
    });
    map.on("click", async ({ point }) => {
      if (drawing.busy()) return;
      const { rows, cluster } = under(point);
      if (cluster) return openCluster(cluster);
      if (!rows.length) return;
      const next = rows[(rows.findIndex((row) => row.id === state.chosen) + 1) % rows.length];
      choose(next.id);
      onSelect?.(next.id);
    });
  }

  function hoverOn(id) {
    if (state.hover === id) return;
    state.hover = id;
    showFocus();
    onHover?.(id);
  }

  async function openCluster(cluster) {
    const zoom = await map.getSource("points").getClusterExpansionZoom(cluster.properties.cluster_id);
    map.easeTo({ center: cluster.geometry.coordinates, zoom: zoom + 0.3, duration: calm() ? 0 : 500 });
  }

  function choose(id) {
    state.chosen = id;
    showFocus();
  }

  return {
    /** Show hits, as /v1/search returns them; the best are drawn on top. */
    setHits(hits) {
      state.hits = prepareHits(hits ?? []);
      if (!state.hits.byId.has(state.hover)) state.hover = null;
      if (!state.hits.byId.has(state.chosen)) state.chosen = null;
      showHits();
    },
    /** Light up one hit, or none. Not reported to onHover. */
    highlight(id) {
      state.hover = id ?? null;
      showFocus();
    },
    /** Mark one hit as the selected one, or none. Not reported to onSelect. */
    select: (id) => choose(id ?? null),
    /** Show an area: a GeoJSON geometry, Feature, or null. Not reported to onArea. */
    setArea: (geojson) => drawing.setArea(geojson?.type === "Feature" ? geojson.geometry : (geojson ?? null)),
    /** Show the density of matches: cells [{cell, count, best, boundary?}]; [] takes it away. */
    async setHexagons(cells) {
      const asked = (state.cells = cells ?? []);
      try {
        const placed = await withBoundaries(asked);
        if (asked !== state.cells) return; // newer ones came while this was waiting
        state.hexagons = hexagonFeatures(placed);
        showHexagons();
        if (state.hexagons.missing) problem(`${state.hexagons.missing} cells are not drawn: they are no H3 cells`);
      } catch (error) {
        problem(`The density of matches cannot be drawn: ${error.message}`);
      }
    },
    setTheme(theme) {
      state.theme = theme === "dark" ? "dark" : "light";
      element.dataset.mapTheme = state.theme;
      legend.setTheme(state.theme);
      if (styled) repaint(map, layersFor(state.theme));
      else map.once("style.load", () => repaint(map, layersFor(state.theme)));
    },
    /** Move to hits (those given, else those shown). Does nothing where there are none. */
    fit(hits) {
      const bounds = boundsOfRows((hits ? prepareHits(hits) : state.hits).rows);
      if (bounds) map.fitBounds(bounds, { ...FIT, duration: calm() ? 0 : FIT.duration });
    },
    drawBox: () => drawing.start("box"),
    drawPolygon: () => drawing.start("polygon"),
    pickPoint: () => drawing.start("point"),
    /** Open the present area as numbers to change. */
    editArea: () => drawing.edit(),
    /** Stop drawing without a result. */
    cancelDrawing: () => drawing.cancel(),
    /** Take the area away and report it. */
    clearArea() {
      drawing.cancel();
      drawing.setArea(null);
      onArea?.(null);
    },
    resize: () => map.resize(),
    destroy() {
      stopLoading.abort();
      watcher.disconnect();
      drawing.destroy();
      legend.remove();
      tip.remove();
      map.remove();
      canvasHost.remove();
      element.classList.remove("map-host");
    },
    /** The MapLibre map, for tests and for what this module does not offer. */
    maplibre: map,
    /** Number of hits that have no place and are not on the map. */
    placeless: () => state.hits.placeless,
  };
}

function bestOf({ properties }) {
  const best = Number(properties.best);
  return properties.best == null || !Number.isFinite(best) ? [] : [`best score ${best.toFixed(3)}`];
}

/** Give the layers of a map the colours of other layers with the same ids. */
function repaint(map, layers) {
  for (const { id, paint } of layers) {
    for (const [name, value] of Object.entries(paint ?? {})) map.setPaintProperty(id, name, value);
  }
}
