// The Natural Earth files of ../basemap, decoded to GeoJSON. Their form is described in basemap/build.py.

const FOLDER = new URL("../basemap/", import.meta.url);
const EMPTY = { type: "FeatureCollection", features: [] };
const POLYGONS = new Set(["land", "lakes"]);

const EDGE = 179.99; // where the world was cut; no coast runs there

export const COARSE_LAYERS = ["land", "shore", "lakes", "rivers", "borders"];
export const FINE_LAYERS = [...COARSE_LAYERS, "states"];

/** Return an empty feature collection. */
export const nothing = () => ({ ...EMPTY });

/** Fetch one file of the basemap; raises where the server does not answer with it. */
export async function fetchBasemap(name, signal) {
  const answer = await fetch(new URL(name, FOLDER), { signal });
  if (!answer.ok) throw new Error(`the basemap file ${name} is missing (HTTP ${answer.status})`);
  return answer.json();
}

/** Return the feature collection of each layer of a decoded world file. */
export function decodeWorld({ scale, layers }) {
  const entries = Object.entries(layers).map(([name, rows]) => {
    const features = rows.map(([rank, ...lines]) => ({
      type: "Feature",
      properties: { rank },
      geometry: {
        type: POLYGONS.has(name) ? "Polygon" : "MultiLineString",
        coordinates: lines.map((line) => decodeLine(line, scale)),
      },
    }));
    return [name, { type: "FeatureCollection", features }];
  });
  const collections = Object.fromEntries(entries);
  return { ...collections, shore: shoreOf(collections.land) };
}

/** Return the outlines of land without the straight edges at the antimeridian. */
function shoreOf(land) {
  const features = land.features.map(({ properties, geometry }) => ({
    type: "Feature",
    properties,
    geometry: { type: "MultiLineString", coordinates: geometry.coordinates.flatMap(withoutEdges) },
  }));
  return { type: "FeatureCollection", features };
}

function withoutEdges(ring) {
  const lines = [];
  let line = [ring[0]];
  for (let i = 1; i < ring.length; i += 1) {
    if (Math.abs(ring[i][0]) < EDGE || Math.abs(ring[i - 1][0]) < EDGE) line.push(ring[i]);
    else {
      lines.push(line);
      line = [ring[i]];
    }
  }
  return [...lines, line].filter((part) => part.length > 1);
}

/** Return the points of a line stored as differences. */
export function decodeLine(steps, scale) {
  const points = new Array(steps.length / 2);
  for (let i = 0, x = 0, y = 0; i < steps.length; i += 2) {
    x += steps[i];
    y += steps[i + 1];
    points[i / 2] = [x / scale, y / scale];
  }
  return points;
}

/** Return the label points of countries and cities, each with the zoom it appears at. */
export function decodePlaces({ countries, cities }) {
  const point = (lon, lat, properties) => ({
    type: "Feature",
    properties,
    geometry: { type: "Point", coordinates: [lon, lat] },
  });
  // MIN_LABEL is Natural Earth's own; a scale rank is two thirds of a zoom.
  return {
    type: "FeatureCollection",
    features: [
      ...countries.map(([name, lon, lat, zoom]) => point(lon, lat, { name, kind: "country", zoom, order: zoom })),
      ...cities.map(([name, lon, lat, rank, capital], i) =>
        point(lon, lat, { name, kind: "city", capital, zoom: Math.max(2.6, 2.2 + rank * 0.65 - capital), order: i }),
      ),
    ],
  };
}

/** Return the grid of meridians and parallels, rank 0 each 30 degrees, 1 each 10, 2 each single one. */
export function graticule() {
  const rank = (degree) => (degree % 30 === 0 ? 0 : degree % 10 === 0 ? 1 : 2);
  const line = (degree, coordinates) => ({
    type: "Feature",
    properties: { rank: rank(degree) },
    geometry: { type: "LineString", coordinates },
  });
  const features = [];
  for (let lon = -180; lon < 180; lon += 1) features.push(line(lon, [[lon, -85], [lon, 85]])); // prettier-ignore
  for (let lat = -85; lat <= 85; lat += 1) features.push(line(lat, [[-180, lat], [180, lat]])); // prettier-ignore
  return { type: "FeatureCollection", features };
}
