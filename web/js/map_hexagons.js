// Density of matches: H3 cells coloured by how many matches they hold.

import { unwrapRing } from "./map_geometry.js";

const H3 = new URL("../vendor/h3-js.umd.js", import.meta.url).href;
let loading = null;

/**
 * Return the cells with their boundaries, rings of [lon, lat]: those given, else as H3 has them.
 * The library is fetched when it is first needed; raises where it cannot be.
 */
export async function withBoundaries(cells) {
  if (cells.every((cell) => cell.boundary)) return cells;
  const h3 = await (loading ??= loadH3());
  return cells.map((cell) => (cell.boundary || !h3.isValidCell(cell.cell) ? cell : { ...cell, boundary: h3.cellToBoundary(cell.cell, true) })); // prettier-ignore
}

/** Load the library, which is no module: it puts itself on the global object. */
function loadH3() {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: H3 });
    script.addEventListener("load", () => resolve(globalThis.h3));
    script.addEventListener("error", () => {
      loading = null;
      script.remove();
      reject(new Error("the file vendor/h3-js.umd.js is missing"));
    });
    document.head.append(script);
  });
}

/**
 * Return the feature collection of cells, and the range of their counts.
 *
 * A cell is {cell, count, best, boundary}; its boundary is a ring of [lon, lat], open or closed.
 * Colour follows the logarithm of the count: counts of neighbouring cells often differ a hundredfold.
 */
export function hexagonFeatures(cells) {
  const drawn = cells.filter((cell) => cell.count > 0 && ringOf(cell)?.length >= 4);
  const counts = drawn.map((cell) => cell.count);
  const range = counts.length ? [Math.min(...counts), Math.max(...counts)] : null;
  const share = (count) => (range[1] > range[0] ? Math.log(count / range[0]) / Math.log(range[1] / range[0]) : 1);
  const features = drawn.map((cell) => ({
    type: "Feature",
    properties: { cell: cell.cell, count: cell.count, best: cell.best ?? null, t: share(cell.count) },
    geometry: { type: "Polygon", coordinates: [closed(unwrapRing(ringOf(cell)))] },
  }));
  return { data: { type: "FeatureCollection", features }, range, missing: cells.length - drawn.length };
}

function ringOf({ boundary }) {
  return boundary?.type === "Polygon" ? boundary.coordinates[0] : boundary;
}

function closed(ring) {
  const [first, last] = [ring[0], ring.at(-1)];
  return first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first];
}
