// A plain map for browsers without WebGL: land, footprints and areas in SVG, longitude and latitude at one scale.
// It offers what map.js offers, except previews, hexagons, and drawing by pointer: areas and points are typed.

import { createPanel } from "./draw_panel.js";
import { ShapeError, boxFrom, pointFrom, pointsFrom, polygonOf, textOfArea } from "./draw_shapes.js";
import { decodeWorld, fetchBasemap } from "./map_basemap.js";
import { polygonsOf } from "./map_geometry.js";
import { boundsOfRows, prepareHits } from "./map_hits.js";
import { createLegend, createTip, describeHit, make } from "./map_legend.js";
import { loadSheets } from "./map_sheets.js";
import { PALETTES } from "./map_palette.js";

const SVG = "http://www.w3.org/2000/svg";
const WORLD = [-180, -85, 180, 85];
const ZOOM = 1.6; // of one press of a button
const PARSE = { box: boxFrom, polygon: (text) => polygonOf(pointsFrom(text)), point: pointFrom };

/** Create the plain map in an element. Callbacks and methods are those of createMap in map.js. */
export function createMap(element, { onHover, onSelect, onPoint, onMoveEnd, onArea } = {}) {
  loadSheets(["map.css"]);
  element.classList.add("map-host", "map-plain");
  const groups = Object.fromEntries(["land", "area", "hits", "focus"].map((name) => [name, drawn("g", {})]));
  const svg = drawn("svg", { role: "img", tabindex: "0", "aria-label": "Plain map of the results. Arrow keys move it, plus and minus zoom." }); // prettier-ignore
  svg.append(...Object.values(groups));
  const zoom = make("div", { className: "map-plain-zoom" }, ...[["+", "Zoom in", ZOOM], ["−", "Zoom out", 1 / ZOOM]].map(zoomButton)); // prettier-ignore
  const note = make("div", { className: "map-plain-note", text: "Plain map without WebGL · Basemap: Natural Earth" });
  element.append(svg, zoom, note);
  const legend = createLegend(element);
  const tip = createTip(element);
  const state = { theme: "light", hits: prepareHits([]), hover: null, chosen: null, area: null, mode: null, view: WORLD, drag: null }; // prettier-ignore
  const panel = createPanel(element, { onSubmit: submit, onDone: () => {}, onCancel: stop });
  const land = fetchBasemap("world-50m.json").then((world) => {
    groups.land.replaceChildren(shape(decodeWorld(world).land.features.map(({ geometry }) => geometry.coordinates), {})); // prettier-ignore
    paint();
  });
  land.catch((error) => element.dispatchEvent(new CustomEvent("map-problem", { detail: `The background map could not be loaded: ${error.message}` }))); // prettier-ignore
  look(WORLD, { quiet: true });
  paint();

  function zoomButton([text, label, factor]) {
    const button = make("button", { type: "button", "aria-label": label, text });
    button.addEventListener("click", () => scale(factor));
    return button;
  }

  function look([west, south, east, north], { quiet = false } = {}) {
    state.view = [west, south, east, north];
    svg.setAttribute("viewBox", `${west} ${-north} ${east - west} ${north - south}`);
    if (!quiet) onMoveEnd?.(state.view);
  }

  function scale(factor) {
    const [west, south, east, north] = state.view;
    const [x, y, dx, dy] = [(west + east) / 2, (south + north) / 2, (east - west) / 2 / factor, (north - south) / 2 / factor]; // prettier-ignore
    if (dx > 180 || dx < 0.01) return;
    look([x - dx, y - dy, x + dx, y + dy]);
  }

  function shift(dx, dy) {
    const [west, south, east, north] = state.view;
    look([west + dx, south + dy, east + dx, north + dy]);
  }

  function paint() {
    const colours = PALETTES[state.theme];
    svg.style.background = colours.water;
    groups.land.firstChild?.setAttribute("fill", colours.land);
    groups.land.firstChild?.setAttribute("stroke", colours.coast);
    legend.setTheme(state.theme);
    legend.setScores(state.hits.range);
    groups.area.replaceChildren(...(state.area ? [shape(polygonsOf(state.area), { fill: colours.area, "fill-opacity": 0.08, stroke: colours.area, "stroke-width": 2 })] : [])); // prettier-ignore
    groups.hits.replaceChildren(...[...state.hits.rows].sort((a, b) => a.strength - b.strength).flatMap((row) => marks(row, colours))); // prettier-ignore
    paintFocus();
  }

  function marks(row, colours) {
    const colour = colours.score[Math.round(row.strength * (colours.score.length - 1))];
    const parts = [dot(row.centre, colours.casing, 12), dot(row.centre, colour, 9)];
    if (row.polygons.length) parts.push(shape(row.polygons, { fill: colour, "fill-opacity": 0.25, stroke: colour, "stroke-width": 2 })); // prettier-ignore
    for (const part of parts) part.dataset.hit = row.index;
    return parts;
  }

  function paintFocus() {
    const colours = PALETTES[state.theme];
    const rows = [[state.chosen, colours.chosen], [state.hover, colours.focus]].filter(([id]) => state.hits.byId.has(id)); // prettier-ignore
    const parts = rows.flatMap(([id, colour]) => {
      const row = state.hits.byId.get(id);
      return [ring(row.centre, colour), shape(row.polygons, { fill: "none", stroke: colour, "stroke-width": 3 })];
    });
    for (const part of parts) part.style.pointerEvents = "none";
    groups.focus.replaceChildren(...parts);
  }

  const rowOf = (target) => state.hits.rows.find((row) => String(row.index) === target.dataset?.hit);

  function hoverOn(id) {
    if (state.hover === id) return;
    state.hover = id;
    paintFocus();
    onHover?.(id);
  }

  svg.addEventListener("pointerdown", (event) => {
    state.drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  svg.addEventListener("pointermove", (event) => {
    const { drag } = state;
    const unit = 1 / svg.getScreenCTM().a;
    if (drag && (drag.moved || Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4)) {
      shift((drag.x - event.clientX) * unit, (event.clientY - drag.y) * unit);
      state.drag = { x: event.clientX, y: event.clientY, moved: true };
      return tip.hide();
    }
    const row = rowOf(event.target);
    const box = element.getBoundingClientRect();
    if (row) tip.show({ x: event.clientX - box.left, y: event.clientY - box.top }, describeHit(row.hit));
    else tip.hide();
    hoverOn(row?.id ?? null);
  });
  svg.addEventListener("pointerup", (event) => {
    const moved = state.drag?.moved;
    state.drag = null;
    const row = rowOf(event.target);
    if (moved || !row) return;
    state.chosen = row.id;
    paintFocus();
    onSelect?.(row.id);
  });
  svg.addEventListener("pointerleave", () => {
    state.drag = null;
    tip.hide();
    hoverOn(null);
  });
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    scale(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  });
  svg.addEventListener("keydown", (event) => {
    const far = (state.view[2] - state.view[0]) / 8;
    const work = { "+": () => scale(ZOOM), "=": () => scale(ZOOM), "-": () => scale(1 / ZOOM), ArrowLeft: () => shift(-far, 0), ArrowRight: () => shift(far, 0), ArrowUp: () => shift(0, far), ArrowDown: () => shift(0, -far) }[event.key]; // prettier-ignore
    if (!work) return;
    event.preventDefault();
    work();
  });

  function open(mode, text = "") {
    state.mode = mode;
    panel.open(mode, text, true);
    panel.setHint("This map takes no drawing.");
    panel.focus();
  }

  function stop() {
    state.mode = null;
    panel.close();
  }

  function submit(text) {
    try {
      const made = PARSE[state.mode](text);
      const report = state.mode === "point" ? onPoint : onArea;
      if (state.mode !== "point") setArea(made);
      stop();
      report?.(made);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      panel.setError(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
    }
  }

  function setArea(geojson) {
    state.area = geojson?.type === "Feature" ? geojson.geometry : (geojson ?? null);
    paint();
  }

  return {
    setHits(hits) {
      state.hits = prepareHits(hits ?? []);
      paint();
    },
    highlight(id) {
      state.hover = id ?? null;
      paintFocus();
    },
    select(id) {
      state.chosen = id ?? null;
      paintFocus();
    },
    setArea,
    setHexagons: async () => {},
    setTheme(theme) {
      state.theme = theme === "dark" ? "dark" : "light";
      element.dataset.mapTheme = state.theme;
      paint();
    },
    fit(hits) {
      const bounds = boundsOfRows((hits ? prepareHits(hits) : state.hits).rows);
      if (!bounds) return;
      const [[west, south], [east, north]] = bounds;
      const margin = Math.max(0.05, (east - west) * 0.1, (north - south) * 0.1);
      look([west - margin, south - margin, east + margin, north + margin]);
    },
    drawBox: () => open("box"),
    drawPolygon: () => open("polygon"),
    pickPoint: () => open("point"),
    editArea: () => open(state.area && !state.area.bbox ? "polygon" : "box", textOfArea(state.area)),
    cancelDrawing: stop,
    clearArea() {
      setArea(null);
      onArea?.(null);
    },
    resize() {},
    placeless: () => state.hits.placeless,
    destroy() {
      legend.remove();
      tip.remove();
      panel.remove();
      for (const part of [svg, zoom, note]) part.remove();
      element.classList.remove("map-host", "map-plain");
    },
  };
}

function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Return one path of polygons. */
function shape(polygons, attributes) {
  const line = (ring) => `M${ring.map(([lon, lat]) => `${lon} ${-lat}`).join("L")}Z`;
  return drawn("path", { d: polygons.flat().map(line).join(""), "fill-rule": "evenodd", ...attributes });
}

/** Return a dot that keeps its size on screen: a line of no length with round ends. */
function dot([lon, lat], colour, size) {
  return drawn("path", { d: `M${lon} ${-lat}h0`, stroke: colour, "stroke-width": size, "stroke-linecap": "round" });
}

function ring(centre, colour) {
  const halo = dot(centre, colour, 16);
  halo.setAttribute("stroke-opacity", "0.45");
  return halo;
}
