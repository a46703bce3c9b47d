// Opening the MapLibre map, and filling it with the basemap.

import { AttributionControl, Map as MapLibre, NavigationControl, ScaleControl } from "../vendor/maplibre-gl.mjs";
import { decodePlaces, decodeWorld, fetchBasemap } from "./map_basemap.js";
import { FINE_ZOOM, styleFor } from "./map_style.js";

const WORLD = { center: [12, 24], zoom: 1.2 };
const LOCALE = { "Map.Title": "Map of the results. Arrow keys move it, plus and minus zoom." };

/** Return whether the person asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Raise an Error that says what to do where the browser has no WebGL 2. */
export function requireWebGl() {
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) throw new Error("This browser offers no WebGL 2, which the map needs; turn hardware acceleration on, or use another browser."); // prettier-ignore
  context.getExtension("WEBGL_lose_context")?.loseContext();
}

/** Open a MapLibre map in a light theme, without a basemap yet. */
export function openMap(container) {
  const map = new MapLibre({
    container,
    style: styleFor("light"),
    ...WORLD,
    minZoom: 0.4,
    maxZoom: 18,
    attributionControl: false,
    trackResize: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxPitch: 0,
    locale: LOCALE,
    fadeDuration: calm() ? 0 : 200,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new AttributionControl({ compact: false, customAttribution: "Basemap: Natural Earth" }), "bottom-right"); // prettier-ignore
  map.addControl(new ScaleControl({ maxWidth: 110 }), "bottom-right");
  return map;
}

/** Fetch the basemap: the coarse world at once, the fine one when someone comes near enough to see it. */
export function loadBasemap(map, signal, onProblem) {
  const fill = (level, world) => {
    for (const [name, data] of Object.entries(decodeWorld(world))) map.getSource(`${level}-${name}`)?.setData(data);
  };
  const guard = (work) => work.catch((error) => signal.aborted || onProblem(`The background map could not be loaded: ${error.message}`)); // prettier-ignore
  guard(fetchBasemap("world-50m.json", signal).then((world) => fill("coarse", world)));
  guard(fetchBasemap("places.json", signal).then((places) => map.getSource("places").setData(decodePlaces(places))));
  const loadFine = () => {
    if (map.getZoom() < FINE_ZOOM - 0.7) return;
    map.off("move", loadFine);
    guard(fetchBasemap("world-10m.json", signal).then((world) => fill("fine", world)));
  };
  map.on("move", loadFine);
  loadFine();
}
