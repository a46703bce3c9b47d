// Drawing on the map: a box, a polygon, a point; and moving the corners of what was drawn.
// By mouse, pen, touch (pointer events), by keyboard (arrows move the map under a cross, Space sets a corner) and by text.

import { createPanel } from "./draw_panel.js";
import { MOST_VERTICES, ShapeError, boxBetween, boxFrom, checkedPoint, cornersOfArea, pointFrom, pointsFrom, polygonOf, textOfArea } from "./draw_shapes.js"; // prettier-ignore
import { nothing } from "./map_basemap.js";

const CLOSE_PX = 12; // a click this near to a corner means that corner
const DRAG_PX = 4; // a pointer that moved less has clicked

/**
 * Create the drawing tools of a MapLibre map.
 *
 * `paint(geometry | null)` draws the area, `show(geometry)` brings one into view; `onArea` and `onPoint` report what a person drew.
 */
export function createDrawing(map, host, { paint, onArea, onPoint, show }) {
  const canvas = map.getCanvas();
  const state = { mode: null, points: [], pointer: null, start: null, area: null, corner: null };
  const panel = createPanel(host, { onSubmit: submit, onDone: () => finish(), onCancel: () => stop() });
  const cross = host.appendChild(document.createElement("div"));
  cross.className = "map-cross";
  cross.hidden = true;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const place = (pixel) => map.unproject(pixel).toArray();
  const near = (place0, pixel) => {
    const { x, y } = map.project(place0);
    return Math.hypot(x - pixel[0], y - pixel[1]) <= CLOSE_PX;
  };

  function sketch() {
    const source = map.getSource("sketch");
    source?.setData({ type: "FeatureCollection", features: sketchFeatures(state) });
  }

  function begin(mode, text = "", typing = false) {
    stop({ quiet: true });
    state.mode = mode;
    panel.open(mode, text, typing);
    host.dataset.drawing = mode;
    map.doubleClickZoom.disable();
    if (mode === "box") holdStill(map, true);
    sketch();
    canvas.focus({ preventScroll: true });
  }

  function stop({ quiet = false } = {}) {
    if (!state.mode) return;
    if (state.mode === "box") holdStill(map, false);
    map.doubleClickZoom.enable();
    Object.assign(state, { mode: null, points: [], pointer: null, start: null });
    delete host.dataset.drawing;
    cross.hidden = true;
    panel.close();
    sketch();
    if (!quiet) canvas.focus({ preventScroll: true });
  }

  /** Run `build`, and report what it returns; say what is wrong where it cannot. */
  function attempt(build, report) {
    try {
      const made = build();
      stop();
      report(made);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      panel.setError(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
    }
  }

  function setArea(geometry) {
    state.area = geometry;
    paint(geometry);
    sketch();
  }

  const report = (geometry) => {
    setArea(geometry);
    onArea?.(geometry);
  };

  const typed = (geometry) => {
    report(geometry);
    show(geometry);
  };

  function submit(text) {
    if (state.mode === "box") attempt(() => boxFrom(text), typed);
    else if (state.mode === "polygon") attempt(() => polygonOf(pointsFrom(text)), typed);
    else if (state.mode === "point") attempt(() => pointFrom(text), (point) => onPoint?.(point)); // prettier-ignore
  }

  function finish() {
    if (state.mode === "polygon") attempt(() => polygonOf(state.points), report);
  }

  function addCorner(point) {
    panel.setError("");
    if (state.mode === "point") return attempt(() => checkedPoint(point), (found) => onPoint?.(found)); // prettier-ignore
    if (state.mode === "box" && state.points.length) return attempt(() => boxBetween(state.points[0], point), report);
    if (state.points.length >= MOST_VERTICES) return panel.setError(`At most ${MOST_VERTICES} corners; finish here.`);
    state.points.push(point);
    const count = state.points.length;
    panel.setReady(count >= 3);
    if (state.mode === "polygon") panel.setHint(count < 3 ? `${count} of at least 3 corners.` : `${count} corners; finish on the first or with Enter.`); // prettier-ignore
    if (state.mode === "box") panel.setHint("Now the opposite corner.");
    sketch();
  }

  function press(event) {
    if (event.button > 0 || event.isPrimary === false) return;
    const pixel = at(event);
    state.start = pixel;
    cross.hidden = true;
    if (state.mode === "box" && !state.points.length) state.points = [place(pixel)];
    if (!state.mode) {
      const corner = cornersOfArea(state.area).findIndex((point) => near(point, pixel));
      if (corner < 0) return;
      state.corner = corner;
      map.dragPan.disable();
      canvas.setPointerCapture(event.pointerId);
    }
  }

  function move(event) {
    const pixel = at(event);
    if (state.corner !== null) return setArea(withCorner(state.area, state.corner, place(pixel)) ?? state.area);
    if (!state.mode) return;
    state.pointer = place(pixel);
    sketch();
  }

  function release(event) {
    const pixel = at(event);
    if (state.corner !== null) {
      state.corner = null;
      map.dragPan.enable();
      return onArea?.(state.area);
    }
    if (!state.mode || !state.start) return;
    const moved = Math.hypot(pixel[0] - state.start[0], pixel[1] - state.start[1]);
    state.start = null;
    if (state.mode === "box") {
      if (moved >= DRAG_PX || near(state.points[0], pixel) === false) addCorner(place(pixel));
      return;
    }
    if (moved >= DRAG_PX) return; // the map was moved
    if (state.mode === "polygon" && state.points.length >= 3 && near(state.points[0], pixel)) return finish();
    if (state.points.length && near(state.points.at(-1), pixel)) return finish(); // the second click of a double click
    addCorner(place(pixel));
  }

  function type(event) {
    if (!state.mode) return;
    const handled = { Escape: () => stop(), " ": cornerAtCross, Enter: enter, Backspace: undo }[event.key];
    if (event.key.startsWith("Arrow")) cross.hidden = false;
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
    handled();
  }

  function cornerAtCross() {
    cross.hidden = false;
    addCorner(map.getCenter().toArray());
  }

  function enter() {
    if (state.mode === "polygon" && state.points.length >= 3) finish();
    else cornerAtCross();
  }

  function undo() {
    state.points.pop();
    panel.setReady(state.points.length >= 3);
    sketch();
  }

  function follow() {
    if (!state.mode || cross.hidden) return;
    state.pointer = map.getCenter().toArray();
    sketch();
  }

  canvas.addEventListener("pointerdown", press);
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", release);
  canvas.addEventListener("keydown", type, true);
  map.on("move", follow);

  return {
    start: (mode) => begin(mode),
    /** Open the typed form of the present area, to change its numbers. */
    edit() {
      begin(state.area && !state.area.bbox ? "polygon" : "box", textOfArea(state.area), true);
      panel.focus();
    },
    setArea,
    area: () => state.area,
    cancel: () => stop({ quiet: true }),
    busy: () => state.mode !== null || state.corner !== null,
    /** Draw the corners of the area again, after the style has loaded. */
    refresh: sketch,
    destroy() {
      stop({ quiet: true });
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", release);
      panel.remove();
      cross.remove();
    },
  };
}

/** Keep the map still under a drag, or let it move again. */
function holdStill(map, still) {
  for (const handler of [map.dragPan, map.touchZoomRotate, map.boxZoom]) still ? handler.disable() : handler.enable();
}

/** Return the area with one corner moved, or null where that makes no valid shape. */
function withCorner(area, corner, point) {
  try {
    const ring = cornersOfArea(area);
    if (area.bbox) return boxBetween(ring[(corner + 2) % 4], point);
    ring[corner] = point;
    return polygonOf(ring);
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}

function sketchFeatures({ mode, points, pointer, area }) {
  const feature = (type, coordinates) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });
  if (!mode) return cornersOfArea(area).map((point) => feature("Point", point));
  const line = pointer ? [...points, pointer] : points;
  const features = mode === "polygon" ? points.map((point) => feature("Point", point)) : [];
  if (mode === "box" && points.length && pointer) features.push(feature("Polygon", [boxLine(points[0], pointer)]));
  else if (mode === "polygon" && line.length > 2) features.push(feature("Polygon", [[...line, line[0]]]));
  else if (mode === "polygon" && line.length > 1) features.push(feature("LineString", line));
  return features.length ? features : nothing().features;
}

function boxLine([x0, y0], [x1, y1]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]; // prettier-ignore
}
