// Density of matches: H3 cells coloured by how many matches they hold.

import { unwrapRing } from "./map_geometry.js";

/**
 * Return the feature collection of cells, and the range of their counts.
 *
 * A cell is {cell, count, best, boundary}; its boundary is a ring of [lon, lat], open or closed, as the server gives it.
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
