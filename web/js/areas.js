// Areas between the map, which draws geometries, and the state, which tells boxes from polygons.

/** Return the area of a drawn geometry, null for none; a box keeps its numbers. */
export const areaFrom = (geometry) => (!geometry ? null : geometry.bbox ? { bbox: geometry.bbox } : { within: { type: "Polygon", coordinates: geometry.coordinates } }); // prettier-ignore

/** Return the geometry of an area as the map takes it, null for none. */
export function geometryOf(area) {
  if (!area?.bbox) return area?.within ?? null;
  const [west, south, east, north] = area.bbox;
  const right = east < west ? east + 360 : east;
  const ring = [[west, south], [right, south], [right, north], [west, north], [west, south]]; // prettier-ignore
  return { type: "Polygon", coordinates: [ring], bbox: area.bbox };
}
