// A histogram of matches over time with two handles. A plain module; nothing to build.

import { make } from "./map_legend.js";
import { loadSheets } from "./map_sheets.js";
import { inWords, iso, ticksBetween } from "./timeline_scale.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDE = 14; // room for half a handle at either end
const AXIS = 20; // height of the dates below
const TICK_PX = 84; // room one date needs
const LEAST = 2.5; // a bar of one match must still be seen
const PATIENCE_MS = 250; // keyboard steps are reported once they pause
const BIG_STEP = 10;

/**
 * Create the timeline in an element.
 *
 * `onChange(startISO, endISO)` reports a range that a person chose, in UTC; both null where it is the whole time again.
 * Pointer: drag a handle, the range between, or the bars for a new range; double-click for the whole time.
 * Keyboard: arrows by one bar, Page Up and Down by ten, Home and End to the ends, Escape for the whole time.
 */
export function createTimeline(element, { onChange } = {}) {
  loadSheets(["timeline.css"]);
  element.classList.add("timeline");
  const svg = drawn("svg", { class: "timeline-plot", "aria-hidden": "true" });
  const handles = ["start", "end"].map((side) =>
    make("div", { className: `timeline-handle timeline-${side}`, role: "slider", tabindex: "0", "aria-label": side === "start" ? "Earliest date" : "Latest date", "aria-orientation": "horizontal" }), // prettier-ignore
  );
  const empty = make("p", { className: "timeline-empty", text: "No dates to show." });
  const says = make("p", { className: "timeline-says", "aria-live": "off" });
  const plot = make("div", { className: "timeline-body", role: "group", "aria-label": "Matches over time" }, svg, ...handles, empty); // prettier-ignore
  element.append(says, plot);
  const state = { bins: [], first: 0, last: 0, range: null, drag: null };
  let waiting = null;

  const span = () => state.last - state.first;
  const chosen = () => (state.range ? state.range.map(clamp) : [state.first, state.last]);
  const width = () => Math.max(plot.clientWidth - 2 * SIDE, 1);
  const xOf = (time) => SIDE + ((time - state.first) / span()) * width();
  const timeAt = (x) => clamp(state.first + ((x - SIDE) / width()) * span());
  const clamp = (time) => Math.min(state.last, Math.max(state.first, time));
  const step = () => span() / Math.max(state.bins.length, 1);

  function draw() {
    const nothing = !state.bins.length;
    empty.hidden = !nothing;
    for (const part of [svg, ...handles]) part.toggleAttribute("hidden", nothing);
    element.classList.toggle("timeline-is-empty", nothing);
    if (nothing) return void (says.textContent = "");
    const height = plot.clientHeight;
    svg.setAttribute("viewBox", `0 0 ${plot.clientWidth} ${height}`);
    const base = height - AXIS;
    svg.replaceChildren(...axis(base), ...bars(base), window_(base));
    place();
  }

  function axis(base) {
    const ticks = ticksBetween(state.first, state.last, Math.max(2, Math.floor(width() / TICK_PX)));
    const line = drawn("line", { class: "timeline-base", x1: SIDE, x2: SIDE + width(), y1: base, y2: base });
    const marks = ticks.flatMap(({ time, label }) => {
      const x = xOf(time);
      const anchor = x < 34 ? "start" : x > plot.clientWidth - 34 ? "end" : "middle";
      const text = drawn("text", { class: "timeline-date", x: anchor === "start" ? SIDE : anchor === "end" ? SIDE + width() : x, y: base + 15, "text-anchor": anchor }); // prettier-ignore
      text.textContent = label;
      return [drawn("line", { class: "timeline-tick", x1: x, x2: x, y1: base, y2: base + 4 }), text];
    });
    return [line, ...marks];
  }

  function bars(base) {
    const most = Math.max(...state.bins.map((bin) => bin.count), 1);
    return state.bins.map((bin) => {
      const left = xOf(bin.start);
      const wide = Math.max(xOf(bin.end) - left - 1, 1);
      const tall = bin.count ? Math.max(LEAST, (bin.count / most) * (base - 6)) : 0;
      return drawn("rect", { class: "timeline-bar", x: left + 0.5, y: base - tall, width: wide, height: tall, rx: Math.min(1.5, wide / 2) }); // prettier-ignore
    });
  }

  function window_(base) {
    return drawn("rect", { class: "timeline-window", y: 1, height: base - 1, rx: 3 });
  }

  /** Move the handles and the window, and say what is chosen. */
  function place() {
    const [start, end] = chosen();
    const [left, right] = [xOf(start), xOf(end)];
    const frame = svg.querySelector(".timeline-window");
    frame.setAttribute("x", left);
    frame.setAttribute("width", Math.max(right - left, 1));
    svg.querySelectorAll(".timeline-bar").forEach((bar, i) => {
      const { start: from, end: to } = state.bins[i];
      bar.classList.toggle("timeline-out", to <= start || from >= end);
    });
    handles.forEach((handle, i) => {
      const time = [start, end][i];
      handle.style.left = `${[left, right][i]}px`;
      handle.setAttribute("aria-valuemin", Math.round(i ? start : state.first));
      handle.setAttribute("aria-valuemax", Math.round(i ? state.last : end));
      handle.setAttribute("aria-valuenow", Math.round(time));
      handle.setAttribute("aria-valuetext", `${inWords(time, span())}, ${summary()}`);
    });
    says.textContent = `${inWords(start, span())} – ${inWords(end, span())} · ${summary()}`;
    element.classList.toggle("timeline-is-narrowed", Boolean(state.range));
  }

  function summary() {
    const [start, end] = chosen();
    const all = state.bins.reduce((sum, bin) => sum + bin.count, 0);
    const within = state.bins.filter((bin) => bin.end > start && bin.start < end);
    const count = within.reduce((sum, bin) => sum + bin.count, 0);
    const number = (value) => value.toLocaleString("en");
    return state.range ? `about ${number(count)} of ${number(all)} matches` : `${number(all)} matches`;
  }

  function setTo(start, end) {
    const [a, b] = start <= end ? [clamp(start), clamp(end)] : [clamp(end), clamp(start)];
    state.range = a <= state.first && b >= state.last ? null : [a, b];
    place();
  }

  function report() {
    clearTimeout(waiting);
    waiting = null;
    onChange?.(...(state.range ? state.range.map(iso) : [null, null]));
  }

  function press(event) {
    if (!state.bins.length || event.button > 0) return;
    const x = event.clientX - plot.getBoundingClientRect().left;
    const handle = handles.indexOf(event.target);
    const [start, end] = chosen();
    const time = timeAt(x);
    const kind = handle >= 0 ? "handle" : state.range && time > start && time < end ? "window" : "new";
    state.drag = { kind, handle, from: time, start, end, moved: false };
    plot.setPointerCapture(event.pointerId);
    if (handle >= 0) handles[handle].focus();
    event.preventDefault();
  }

  function move(event) {
    const { drag } = state;
    if (!drag) return;
    const time = timeAt(event.clientX - plot.getBoundingClientRect().left);
    drag.moved ||= Math.abs(time - drag.from) * width() > 3 * span(); // more than three pixels
    if (!drag.moved) return;
    if (drag.kind === "new") return setTo(drag.from, time);
    if (drag.kind === "handle") return setTo(...(drag.handle ? [drag.start, Math.max(time, drag.start)] : [Math.min(time, drag.end), drag.end])); // prettier-ignore
    const shift = Math.min(state.last - drag.end, Math.max(state.first - drag.start, time - drag.from));
    setTo(drag.start + shift, drag.end + shift);
  }

  function release() {
    const moved = state.drag?.moved;
    state.drag = null;
    if (moved) report();
  }

  function whole() {
    state.range = null;
    place();
    report();
  }

  function type(event, which) {
    const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -BIG_STEP, PageUp: BIG_STEP };
    const ends = { Home: -Infinity, End: Infinity };
    const [start, end] = chosen();
    if (event.key === "Escape" && state.range) {
      event.preventDefault();
      return whole();
    }
    const by = moves[event.key] !== undefined ? moves[event.key] * step() : ends[event.key];
    if (by === undefined) return;
    event.preventDefault();
    if (which === 0) setTo(Math.min(clamp(start + by), end), end);
    else setTo(start, Math.max(clamp(end + by), start));
    clearTimeout(waiting);
    waiting = setTimeout(report, PATIENCE_MS);
  }

  plot.addEventListener("pointerdown", press);
  plot.addEventListener("pointermove", move);
  plot.addEventListener("pointerup", release);
  plot.addEventListener("pointercancel", release);
  plot.addEventListener("dblclick", () => state.bins.length && whole());
  handles.forEach((handle, i) => handle.addEventListener("keydown", (event) => type(event, i)));
  const watcher = new ResizeObserver(draw);
  watcher.observe(plot);
  draw();

  return {
    /** Show counts [{start, end, count}] in order of time (ISO 8601 or anything Date reads); [] for the empty state. */
    setHistogram(bins) {
      const read = (bins ?? []).map((bin) => ({ start: +new Date(bin.start), end: +new Date(bin.end), count: bin.count }));
      const usable = read.filter(({ start, end, count }) => Number.isFinite(start) && end >= start && count >= 0);
      state.bins = usable.map((bin) => (bin.end > bin.start ? bin : { ...bin, end: bin.start + 1000 }));
      state.first = state.bins[0]?.start ?? 0;
      state.last = state.bins.at(-1)?.end ?? 0;
      draw();
    },
    setRange,
    destroy() {
      clearTimeout(waiting);
      watcher.disconnect();
      plot.remove();
      says.remove();
      element.classList.remove("timeline");
    },
  };

  /** Choose a range, in anything Date reads; null at an end means that end of the time. Not reported to onChange. */
  function setRange(from, to) {
    const start = from == null ? -Infinity : +new Date(from);
    const end = to == null ? Infinity : +new Date(to);
    state.range = start === -Infinity && end === Infinity ? null : [start, end];
    draw();
  }
}

function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
