// Results on the map: footprints, points and clusters, the highlighted and the selected one.

import { nothing } from "./map_basemap.js";
import { boundsOf, centreOf, extentOf, outlineOf, shapeZoom } from "./map_geometry.js";

/** Prepare hits for drawing. A hit without a place cannot be drawn and is counted in `placeless`. */
export function prepareHits(hits) {
  const scores = hits.map((hit) => hit.score).filter(Number.isFinite);
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const rows = hits.map((hit, index) => {
    const polygons = outlineOf(hit);
    if (!polygons.length && !hit.centroid) return null;
    const extent = polygons.length ? extentOf(polygons) : [hit.centroid[0], hit.centroid[1], hit.centroid[0], hit.centroid[1]]; // prettier-ignore
    const strength = high > low && Number.isFinite(hit.score) ? (hit.score - low) / (high - low) : 1;
    return { index, id: hit.tile_id, hit, polygons, extent, strength, zoom: shapeZoom(extent), centre: centreOf(hit, polygons) }; // prettier-ignore
  });
  const placed = rows.filter(Boolean);
  return {
    rows: placed,
    byId: new Map(placed.map((row) => [row.id, row])),
    range: scores.length ? [low, high] : null,
    placeless: hits.length - placed.length,
  };
}

/** Return the feature collections of prepared hits: their shapes and their points. */
export function hitFeatures({ rows }) {
  return {
    shapes: { type: "FeatureCollection", features: rows.filter((row) => row.polygons.length).map((row) => shape(row)) },
    points: { type: "FeatureCollection", features: rows.map((row) => point(row)) },
  };
}

/** Return the features that mark the highlighted and the selected row, either of which may be missing. */
export function focusFeatures(highlighted, chosen) {
  const rows = [chosen && [chosen, "chosen"], highlighted && highlighted !== chosen && [highlighted, "highlighted"]];
  const features = rows.filter(Boolean).flatMap(([row, role]) => {
    return row.polygons.length ? [shape(row, { role }), point(row, { role })] : [point(row, { role, z: 99 })];
  });
  return features.length ? { type: "FeatureCollection", features } : nothing();
}

/** Return the zoom up to which points are joined to clusters: until half of the footprints have a shape. */
export function clusterZoom({ rows }) {
  const zooms = rows.map((row) => row.zoom).sort((a, b) => a - b);
  const middle = zooms[Math.floor(zooms.length / 2)] ?? 8;
  return Math.max(0, Math.min(12, Math.floor(middle) - 1));
}

/** Return the bounds of rows, or null without any. */
export function boundsOfRows(rows) {
  return rows.length ? boundsOf(rows.map((row) => row.extent)) : null;
}

function shape(row, more = {}) {
  const geometry =
    row.polygons.length === 1
      ? { type: "Polygon", coordinates: row.polygons[0] }
      : { type: "MultiPolygon", coordinates: row.polygons };
  return { type: "Feature", id: row.index, properties: { i: row.index, t: row.strength, z: row.zoom, ...more }, geometry }; // prettier-ignore
}

function point(row, more = {}) {
  return {
    type: "Feature",
    id: row.index,
    properties: { i: row.index, t: row.strength, z: row.polygons.length ? row.zoom : 99, ...more },
    geometry: { type: "Point", coordinates: row.centre },
  };
}
