// Areas as people draw or type them: checks, and the GeoJSON they become. Coordinates are [lon, lat] in degrees.

import { boxRing, normalLon, wrapNear } from "./map_geometry.js";

export const MOST_VERTICES = 500; // far under the server's own limit, and more than anyone places by hand

/** What was drawn or typed cannot be an area; the message says what would. */
export class ShapeError extends Error {}

/** Return the geometry of the box between two corners in map longitudes (which may leave -180..180). */
export function boxBetween([x0, y0], [x1, y1]) {
  const [west, east] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [south, north] = [Math.min(y0, y1), Math.max(y0, y1)].map((lat) => round(Math.max(-90, Math.min(90, lat))));
  if (east - west >= 360) return boxOf([-180, south, 180, north]);
  return boxOf([round(normalLon(west)), south, round(normalLon(east)), north]);
}

/** Return the geometry of [west, south, east, north]; west > east crosses the antimeridian. */
export function boxOf([west, south, east, north]) {
  const bbox = [west, south, east, north];
  if (!bbox.every(Number.isFinite)) throw new ShapeError("a box needs four numbers: west, south, east, north");
  if (west < -180 || east > 180 || west > 180 || east < -180) throw new ShapeError(`longitudes lie from -180 to 180; got ${west} and ${east}`); // prettier-ignore
  if (south < -90 || north > 90) throw new ShapeError(`latitudes lie from -90 to 90; got ${south} and ${north}`);
  if (south >= north) throw new ShapeError(`north must be larger than south; got south ${south}, north ${north}`);
  if (west === east) throw new ShapeError(`east must differ from west; both are ${west}`);
  if (west < east) return { type: "Polygon", coordinates: [boxRing(bbox)], bbox };
  const halves = [[west, south, 180, north], [-180, south, east, north]].filter(([a, , b]) => a < b); // prettier-ignore
  return { type: "MultiPolygon", coordinates: halves.map((half) => [boxRing(half)]), bbox };
}

/** Return the geometry of a polygon through points in map longitudes. */
export function polygonOf(points) {
  const ring = points.map(([lon, lat]) => [lon, lat]);
  if (ring.length > 1 && same(ring[0], ring.at(-1))) ring.pop();
  if (ring.length < 3) throw new ShapeError(`a polygon needs at least 3 points; got ${ring.length}`);
  if (ring.length > MOST_VERTICES) throw new ShapeError(`at most ${MOST_VERTICES} points; got ${ring.length}`);
  for (const [lon, lat] of ring) {
    if (!Number.isFinite(lon) || !Number.isFinite(lat) || Math.abs(lat) > 90) throw new ShapeError(`no such place: longitude ${lon}, latitude ${lat}`); // prettier-ignore
  }
  if (crossesItself(ring)) throw new ShapeError("the outline crosses itself; move a point so that no two sides cross");
  return clipToWorld(ring);
}

/** Return whether two sides of a ring (without its last point repeated) cross. */
export function crossesItself(ring) {
  const count = ring.length;
  const side = (i) => [ring[i], ring[(i + 1) % count]];
  for (let i = 0; i < count; i += 1) {
    for (let j = i + 2; j < count; j += 1) {
      if (i === 0 && j === count - 1) continue; // neighbours share a point
      if (cross(side(i), side(j))) return true;
    }
  }
  return false;
}

/** Return the points of typed text: "lon lat, lon lat, ..." with any separators. */
export function pointsFrom(text) {
  const numbers = numbersFrom(text);
  if (numbers.length % 2) throw new ShapeError(`coordinates come in pairs of longitude and latitude; got ${numbers.length} numbers`); // prettier-ignore
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

/** Return the box of typed text "west, south, east, north". */
export function boxFrom(text) {
  const numbers = numbersFrom(text);
  if (numbers.length !== 4) throw new ShapeError(`a box needs four numbers: west, south, east, north; got ${numbers.length}`); // prettier-ignore
  return boxOf(numbers);
}

/** Return the [lon, lat] of typed text "longitude, latitude". */
export function pointFrom(text) {
  const numbers = numbersFrom(text);
  if (numbers.length !== 2) throw new ShapeError(`a point needs two numbers: longitude, latitude; got ${numbers.length}`);
  return checkedPoint(numbers);
}

/** Return [lon, lat] with the longitude brought to -180..180. */
export function checkedPoint([lon, lat]) {
  if (Math.abs(lat) > 90) throw new ShapeError(`latitudes lie from -90 to 90; got ${lat}`);
  return [round(normalLon(lon)), round(lat)];
}

/** Return the outer corners of an area as one ring without a jump, for editing; [] where it is no single ring. */
export function cornersOfArea(geometry) {
  if (geometry?.bbox) return boxRing(geometry.bbox).slice(0, -1);
  if (geometry?.type !== "Polygon") return [];
  const ring = geometry.coordinates[0].slice(0, -1);
  return ring.map(([lon, lat]) => [wrapNear(lon, ring[0][0]), lat]);
}

/** Return an area as text that can be typed again. */
export function textOfArea(geometry) {
  if (geometry?.bbox) return geometry.bbox.map(round).join(", ");
  return cornersOfArea(geometry).map((point) => point.map(round).join(" ")).join(", "); // prettier-ignore
}

/** Round to 5 decimals, which is about a metre. */
export const round = (value) => Math.round(value * 1e5) / 1e5;

function numbersFrom(text) {
  const parts = text.trim().split(/[\s,;()[\]]+/).filter(Boolean); // prettier-ignore
  const wrong = parts.find((part) => !/^[-+−]?\d+(\.\d*)?$|^[-+−]?\.\d+$/.test(part));
  if (wrong) throw new ShapeError(`"${wrong.slice(0, 40)}" is no number; write degrees such as -73.5`);
  return parts.map((part) => Number(part.replace("−", "-")));
}

function same(a, b) {
  return a[0] === b[0] && a[1] === b[1];
}

function cross([a, b], [c, d]) {
  const turn = (p, q, r) => Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b);
}

/** Bring a ring in map longitudes to -180..180, cut in two where it crosses the antimeridian. */
function clipToWorld(ring) {
  const west = Math.min(...ring.map((point) => point[0]));
  const east = Math.max(...ring.map((point) => point[0]));
  if (east - west >= 360) throw new ShapeError("a polygon cannot reach once round the world");
  const home = 360 * Math.floor((west + 180) / 360);
  const moved = ring.map(([lon, lat]) => [lon - home, lat]);
  if (east - home <= 180) return { type: "Polygon", coordinates: [finish(moved)] };
  const parts = [keep(moved, 1), keep(moved, -1).map(([lon, lat]) => [lon - 360, lat])];
  return { type: "MultiPolygon", coordinates: parts.map((part) => [finish(part)]) };
}

/** Return the part of a ring on one side of 180 degrees (Sutherland and Hodgman's clipping). */
function keep(ring, sign) {
  const inside = ([lon]) => sign * (180 - lon) >= 0;
  return ring.flatMap((point, i) => {
    const before = ring[(i + ring.length - 1) % ring.length];
    const share = (180 - before[0]) / (point[0] - before[0]);
    const edge = inside(point) === inside(before) ? [] : [[180, before[1] + share * (point[1] - before[1])]];
    return inside(point) ? [...edge, point] : edge;
  });
}

/** Close a ring, turned counter-clockwise as RFC 7946 wants it. */
function finish(ring) {
  const area = ring.reduce((sum, [x, y], i) => sum + x * ring[(i + 1) % ring.length][1] - ring[(i + 1) % ring.length][0] * y, 0); // prettier-ignore
  const turned = (area < 0 ? [...ring].reverse() : ring).map((point) => point.map(round));
  return [...turned, turned[0]];
}
