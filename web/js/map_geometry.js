// Shapes of results: footprints that cross the antimeridian, corners of pictures, what fits in a view.

const TILE_PX = 512; // MapLibre draws the world this wide at zoom 0
const POINT_PX = 14; // a footprint narrower than this on screen is shown as a point

/** Return a longitude within 180 degrees of `near`. */
export const wrapNear = (lon, near) => lon + 360 * Math.round((near - lon) / 360);

/** Return a longitude from -180 to 180. */
export const normalLon = (lon) => (lon >= -180 && lon <= 180 ? lon : ((((lon + 180) % 360) + 360) % 360) - 180);

/** Return a ring that may leave -180..180 but never jumps, beginning within 180 degrees of `near`. */
export function unwrapRing(ring, near = ring[0][0]) {
  let last = near;
  return ring.map(([lon, lat]) => [(last = wrapNear(lon, last)), lat]);
}

/** Return the polygons of a Polygon or MultiPolygon without a jump at the antimeridian, or [] for other shapes. */
export function polygonsOf(geometry) {
  if (!geometry) return [];
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : []; // prettier-ignore
  const near = parts[0]?.[0]?.[0]?.[0] ?? 0;
  return parts.map((rings) => rings.map((ring) => unwrapRing(ring, near)));
}

/** Return the outline of a hit: its footprint, else its bbox [west, south, east, north], else nothing. */
export function outlineOf(hit) {
  const polygons = polygonsOf(hit.footprint);
  if (polygons.length || !hit.bbox) return polygons;
  return [[boxRing(hit.bbox)]];
}

/** Return the ring of a bbox, whose west may be larger than its east. */
export function boxRing([west, south, east, north]) {
  const right = east < west ? east + 360 : east;
  return [[west, south], [right, south], [right, north], [west, north], [west, south]]; // prettier-ignore
}

/** Return [west, south, east, north] of polygons, east possibly above 180. */
export function extentOf(polygons) {
  const points = polygons.flat(2);
  const lons = points.map((point) => point[0]);
  const lats = points.map((point) => point[1]);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

/** Return the middle of a hit, [lon, lat] in degrees. */
export function centreOf(hit, polygons) {
  if (hit.centroid) return hit.centroid;
  const [west, south, east, north] = extentOf(polygons);
  return [normalLon((west + east) / 2), (south + north) / 2];
}

/** Return the zoom from which an extent is drawn as a shape and not as a point. */
export function shapeZoom([west, , east]) {
  return Math.log2((POINT_PX * 360) / (TILE_PX * Math.max(east - west, 1e-6)));
}

/**
 * Return the smallest [[west, south], [east, north]] over extents, across the antimeridian where that is narrower.
 * The gap that is left out is the widest one between neighbours on the circle of longitudes.
 */
export function boundsOf(extents) {
  const south = Math.min(...extents.map((extent) => extent[1]));
  const north = Math.max(...extents.map((extent) => extent[3]));
  const spans = extents
    .map(([west, , east]) => [normalLon(west), normalLon(west) + (east - west)])
    .sort((a, b) => a[0] - b[0]);
  const farthest = Math.max(...spans.map((span) => span[1]));
  let best = { gap: spans[0][0] + 360 - farthest, west: spans[0][0], east: farthest };
  let reach = spans[0][1];
  for (const [west, east] of spans.slice(1)) {
    if (west - reach > best.gap) best = { gap: west - reach, west, east: reach + 360 };
    reach = Math.max(reach, east);
  }
  return [[best.west, south], [best.east, north]]; // prettier-ignore
}
