// The legend in the lower left corner, and the note that follows the pointer.

import { PALETTES, gradient } from "./map_palette.js";

/** Create an element with a class, text and attributes. */
export function make(tag, { className, text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Create the legend: one bar for scores, one for hexagons, each hidden while the map shows none. */
export function createLegend(host) {
  const scores = bar("Match score", "map-legend-scores");
  const counts = bar("Matches in a cell", "map-legend-counts");
  const box = make("div", { className: "map-legend", role: "group", "aria-label": "Legend" }, scores.row, counts.row);
  host.append(box);
  const settle = () => (box.hidden = scores.row.hidden && counts.row.hidden);
  settle();
  return {
    setTheme(theme) {
      scores.paint(gradient(PALETTES[theme].score));
      counts.paint(gradient(PALETTES[theme].hexagon));
    },
    setScores(range) {
      scores.show(range, (value) => value.toFixed(2));
      settle();
    },
    setCounts(range) {
      counts.show(range, (value) => value.toLocaleString("en"));
      settle();
    },
    remove: () => box.remove(),
  };
}

function bar(title, className) {
  const strip = make("span", { className: "map-legend-strip" });
  const low = make("span");
  const high = make("span");
  const row = make(
    "div",
    { className: `map-legend-row ${className}` },
    make("span", { className: "map-legend-title", text: title }),
    low,
    strip,
    high,
  );
  row.hidden = true;
  return {
    row,
    paint: (background) => (strip.style.background = background),
    show(range, format) {
      row.hidden = !range;
      if (!range) return;
      const single = range[0] === range[1];
      low.textContent = single ? "" : format(range[0]);
      high.textContent = format(range[1]);
    },
  };
}

/** Create the note beside the pointer; text only, so that nothing in the metadata is read as markup. */
export function createTip(host) {
  const box = make("div", { className: "map-tip", "aria-hidden": "true" });
  box.hidden = true;
  host.append(box);
  return {
    show({ x, y }, lines) {
      box.replaceChildren(...lines.map((text, i) => make("div", { text, className: i ? "map-tip-more" : "map-tip-first" })));
      box.hidden = false;
      const left = Math.min(x + 14, host.clientWidth - box.offsetWidth - 8);
      const above = y + 18 + box.offsetHeight > host.clientHeight - 8;
      box.style.transform = `translate(${Math.max(4, left)}px, ${above ? y - box.offsetHeight - 12 : y + 16}px)`;
    },
    hide: () => (box.hidden = true),
    remove: () => box.remove(),
  };
}

/** Return what the note says about a hit. */
export function describeHit(hit) {
  const day = hit.datetime ? String(hit.datetime).slice(0, 10) : null;
  const score = Number.isFinite(hit.score) ? hit.score.toFixed(3) : null;
  const first = hit.label || hit.captions?.[0] || hit.tile_id;
  const place = [hit.sensor, day].filter(Boolean).join(" · ");
  const rank = [hit.rank != null ? `rank ${hit.rank}` : null, score && `score ${score}`].filter(Boolean).join(" · ");
  return [String(first), place, rank].filter(Boolean);
}
