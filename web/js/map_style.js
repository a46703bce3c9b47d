// The MapLibre style: every source the map uses, and its layers from the bottom up.

import { COARSE_LAYERS, FINE_LAYERS, graticule, nothing } from "./map_basemap.js";
import { PALETTES, ramp } from "./map_palette.js";

export const FINE_ZOOM = 5; // from here the detailed basemap is drawn
const DEEPEST = 20;
const LETTERS = ["Geist", "sans-serif"]; // drawn by the browser itself: the style names no glyph server

const geojson = (data, more = {}) => ({ type: "geojson", data, ...more });
const fixed = { maxzoom: 9, tolerance: 0.3, buffer: 16 }; // the basemap has no detail beyond zoom 9
const deep = { maxzoom: 18, tolerance: 0, buffer: 64 };

/** Return the whole style for a theme. */
export function styleFor(theme) {
  return { version: 8, name: `swath-${theme}`, sources: sources(), layers: layersFor(theme) };
}

function sources() {
  const basemap = [
    ...COARSE_LAYERS.map((name) => [`coarse-${name}`, geojson(nothing(), { ...fixed, maxzoom: FINE_ZOOM })]),
    ...FINE_LAYERS.map((name) => [`fine-${name}`, geojson(nothing(), fixed)]),
  ];
  return {
    ...Object.fromEntries(basemap),
    graticule: geojson(graticule(), { maxzoom: 9 }),
    places: geojson(nothing(), { maxzoom: 9 }),
    hexagons: geojson(nothing(), deep),
    hits: geojson(nothing(), deep),
    points: geojson(nothing(), {
      cluster: true,
      clusterRadius: 26,
      clusterMaxZoom: 8,
      maxzoom: 18,
      clusterProperties: { best: ["max", ["get", "t"]] },
    }),
    focus: geojson(nothing(), deep),
    area: geojson(nothing(), deep),
    sketch: geojson(nothing(), deep),
  };
}

/** Return the layers of a theme; the same ids in the same order whatever the theme. */
export function layersFor(theme) {
  const colours = PALETTES[theme];
  return [
    { id: "water", type: "background", paint: { "background-color": colours.water } },
    ...worldLayers(colours),
    ...hexagonLayers(colours),
    ...placeLayers(colours),
    ...areaLayers(colours),
    ...hitLayers(colours),
    ...focusLayers(colours),
    ...sketchLayers(colours),
  ];
}

function worldLayers(colours) {
  const line = (id, source, colour, width, more = {}) => ({
    id,
    type: "line",
    source,
    layout: { "line-join": "round", "line-cap": "round" },
    paint: { "line-color": colour, "line-width": width, ...more.paint },
    ...more.range,
  });
  const both = (make) => [make("coarse", { maxzoom: FINE_ZOOM }), make("fine", { minzoom: FINE_ZOOM })];
  const fill = (name, colour) =>
    both((level, range) => ({
      id: `${level}-${name}`,
      type: "fill",
      source: `${level}-${name}`,
      ...range,
      paint: { "fill-color": colour, "fill-antialias": false },
    }));
  const byZoom = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
  const river = ["interpolate", ["linear"], ["zoom"], 2, ["-", 0.9, ["*", 0.1, ["get", "rank"]]], 10, ["-", 3, ["*", 0.2, ["get", "rank"]]]]; // prettier-ignore
  return [
    ...fill("land", colours.land),
    ...both((level, range) => line(`${level}-rivers`, `${level}-rivers`, colours.river, river, { range, paint: { "line-opacity": byZoom(2, 0, 3.5, 1) } })), // prettier-ignore
    ...fill("lakes", colours.water),
    line("graticule-wide", "graticule", colours.graticule, 0.6, { range: { filter: ["==", ["get", "rank"], 0] } }),
    line("graticule-ten", "graticule", colours.graticule, 0.6, { range: { filter: ["==", ["get", "rank"], 1], minzoom: 3.5 } }), // prettier-ignore
    line("graticule-one", "graticule", colours.graticule, 0.5, { range: { filter: ["==", ["get", "rank"], 2], minzoom: 7 } }), // prettier-ignore
    ...both((level, range) => line(`${level}-shore`, `${level}-shore`, colours.coast, byZoom(0, 0.5, 6, 0.9, 12, 1.6), { range })), // prettier-ignore
    ...both((level, range) => line(`${level}-lakeshore`, `${level}-lakes`, colours.coast, byZoom(0, 0.3, 6, 0.7, 12, 1.2), { range })), // prettier-ignore
    line("fine-states", "fine-states", colours.state, byZoom(5, 0.5, 10, 1.2), { range: { minzoom: FINE_ZOOM }, paint: { "line-dasharray": [3, 2] } }), // prettier-ignore
    ...both((level, range) => line(`${level}-borders`, `${level}-borders`, colours.border, byZoom(0, 0.5, 6, 1, 12, 1.8), { range })), // prettier-ignore
  ];
}

function placeLayers(colours) {
  const shown = (kind) => ["all", ["==", ["get", "kind"], kind], ["<=", ["get", "zoom"], ["+", ["zoom"], 0.99]]]; // by whole zooms
  const label = (id, kind, layout, colour) => ({
    id,
    type: "symbol",
    source: "places",
    filter: shown(kind),
    layout: { "text-font": LETTERS, "text-field": ["get", "name"], "symbol-sort-key": ["get", "order"], "text-padding": 6, ...layout }, // prettier-ignore
    paint: { "text-color": colour, "text-halo-color": colours.halo, "text-halo-width": 1.2 },
  });
  const size = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
  return [
    {
      id: "city-dots",
      type: "circle",
      source: "places",
      filter: shown("city"),
      minzoom: 5,
      paint: { "circle-radius": ["case", ["==", ["get", "capital"], 1], 2.6, 1.9], "circle-color": colours.city, "circle-opacity": 0.75 }, // prettier-ignore
    },
    { ...label("cities", "city", { "text-anchor": "bottom", "text-offset": [0, -0.25], "text-size": size(3, 10.5, 10, 13), "text-max-width": 8 }, colours.city), minzoom: 3 }, // prettier-ignore
    {
      ...label("countries", "country", { "text-size": size(2, 10, 6, 14), "text-transform": "uppercase", "text-letter-spacing": 0.12, "text-max-width": 7 }, colours.country), // prettier-ignore
      minzoom: 1.5,
      maxzoom: 7,
    },
  ];
}

function hexagonLayers(colours) {
  const colour = ramp(colours.hexagon, ["get", "t"]);
  return [
    { id: "hexagon-fill", type: "fill", source: "hexagons", paint: { "fill-color": colour, "fill-opacity": ["interpolate", ["linear"], ["get", "t"], 0, 0.45, 1, 0.8] } }, // prettier-ignore
    { id: "hexagon-line", type: "line", source: "hexagons", paint: { "line-color": colours.casing, "line-width": 0.6, "line-opacity": 0.5 } }, // prettier-ignore
  ];
}

function areaLayers(colours) {
  return [
    { id: "area-fill", type: "fill", source: "area", paint: { "fill-color": colours.area, "fill-opacity": 0.07 } },
    { id: "area-line", type: "line", source: "area", layout: { "line-join": "round" }, paint: { "line-color": colours.area, "line-width": 1.8 } }, // prettier-ignore
  ];
}

/** Return an expression by zoom: `yes` while a footprint is too small to see, `no` once it has a shape. */
function whileSmall(yes, no) {
  const at = (zoom) => ["case", [">", ["get", "z"], zoom], yes, no];
  const steps = [];
  for (let zoom = 0.5; zoom <= DEEPEST; zoom += 0.5) steps.push(zoom, at(zoom));
  return ["step", ["zoom"], at(0), ...steps];
}

function hitLayers(colours) {
  const colour = ramp(colours.score, ["get", "t"]);
  const cluster = ["has", "point_count"];
  const size = ["interpolate", ["linear"], ["sqrt", ["get", "point_count"]], 1.4, 10, 10, 22, 40, 34];
  const ring = { "circle-stroke-color": colours.casing, "circle-stroke-width": 1.4 };
  return [
    { id: "hit-fill", type: "fill", source: "hits", paint: { "fill-color": colour, "fill-opacity": whileSmall(0, 0.22) } }, // prettier-ignore
    { id: "hit-casing", type: "line", source: "hits", layout: { "line-join": "round" }, paint: { "line-color": colours.casing, "line-width": 3.6, "line-opacity": whileSmall(0, 0.75) } }, // prettier-ignore
    { id: "hit-line", type: "line", source: "hits", layout: { "line-join": "round", "line-sort-key": ["get", "t"] }, paint: { "line-color": colour, "line-width": 2, "line-opacity": whileSmall(0, 1) } }, // prettier-ignore
    { id: "hit-points", type: "circle", source: "points", filter: ["!", cluster], layout: { "circle-sort-key": ["get", "t"] }, paint: { "circle-color": colour, "circle-radius": 5.5, "circle-opacity": whileSmall(1, 0), ...ring, "circle-stroke-opacity": whileSmall(1, 0) } }, // prettier-ignore
    { id: "clusters", type: "circle", source: "points", filter: cluster, layout: { "circle-sort-key": ["get", "best"] }, paint: { "circle-color": ramp(colours.score, ["get", "best"]), "circle-radius": size, "circle-opacity": 0.92, ...ring } }, // prettier-ignore
    {
      id: "cluster-count",
      type: "symbol",
      source: "points",
      filter: cluster,
      layout: { "text-field": ["get", "point_count_abbreviated"], "text-font": LETTERS, "text-size": 12, "text-allow-overlap": true, "text-ignore-placement": true }, // prettier-ignore
      paint: { "text-color": readable(colours), "text-opacity": 1 },
    },
  ];
}

/** Return the colour of a number on a score colour: of the ramp's ends, the one that contrasts. */
function readable(colours) {
  const dark = "#14091c";
  const bright = "#ffffff";
  const light = colours.casing === "#ffffff";
  return ["case", ["<", ["get", "best"], light ? 0.4 : 0.34], light ? dark : bright, light ? bright : dark];
}

function focusLayers(colours) {
  const chosen = ["==", ["get", "role"], "chosen"];
  return [
    { id: "focus-casing", type: "line", source: "focus", filter: ["==", ["geometry-type"], "Polygon"], layout: { "line-join": "round" }, paint: { "line-color": colours.casing, "line-width": ["case", chosen, 7, 6] } }, // prettier-ignore
    { id: "focus-line", type: "line", source: "focus", filter: ["==", ["geometry-type"], "Polygon"], layout: { "line-join": "round" }, paint: { "line-color": ["case", chosen, colours.chosen, colours.focus], "line-width": ["case", chosen, 4, 2.6] } }, // prettier-ignore
    { id: "focus-point", type: "circle", source: "focus", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": ["case", chosen, 10, 9], "circle-color": ramp(colours.score, ["get", "t"]), "circle-opacity": whileSmall(1, 0), "circle-stroke-color": ["case", chosen, colours.chosen, colours.focus], "circle-stroke-width": ["case", chosen, 3.5, 2.5], "circle-stroke-opacity": whileSmall(1, 0) } }, // prettier-ignore
  ];
}

function sketchLayers(colours) {
  return [
    { id: "sketch-fill", type: "fill", source: "sketch", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colours.area, "fill-opacity": 0.12 } }, // prettier-ignore
    { id: "sketch-line", type: "line", source: "sketch", filter: ["!=", ["geometry-type"], "Point"], layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": colours.area, "line-width": 2, "line-dasharray": [2, 2] } }, // prettier-ignore
    { id: "sketch-points", type: "circle", source: "sketch", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 5.5, "circle-color": colours.casing, "circle-stroke-color": colours.area, "circle-stroke-width": 2.2 } }, // prettier-ignore
  ];
}
