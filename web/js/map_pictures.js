// Previews drawn in their footprints once these are large enough on screen.

const SHOW_PX = 40; // narrower than this a preview tells nothing
const MOST = 80; // pictures on the map at once; each is a texture of its own
const FADE_MS = 200;

/** Return the corners of a row's picture: top left, top right, bottom right, bottom left. */
export function cornersOf({ polygons, extent: [west, south, east, north] }) {
  const ring = polygons.length === 1 ? polygons[0][0].slice(0, -1) : [];
  if (ring.length !== 4) return [[west, north], [east, north], [east, south], [west, south]]; // prettier-ignore
  const turn = ring.reduce((sum, [x, y], i) => sum + x * ring[(i + 1) % 4][1] - ring[(i + 1) % 4][0] * y, 0);
  const clockwise = turn > 0 ? [...ring].reverse() : ring;
  const upperLeft = ([lon, lat]) => (lat - south) / (north - south) - (lon - west) / (east - west);
  const first = clockwise.reduce((best, at, i) => (upperLeft(at) > upperLeft(clockwise[best]) ? i : best), 0);
  return [0, 1, 2, 3].map((i) => clockwise[(first + i) % 4]);
}

/** Return the address of a hit's preview where this server serves it, else null. */
export function previewOf(hit) {
  const given = hit.links?.preview ?? hit.preview;
  if (!given) return null;
  const url = new URL(given, document.baseURI);
  return url.origin === location.origin ? url.href : null; // what else the page's policy would refuse to fetch
}

/** Keep the pictures of the rows in view on a MapLibre map. */
export function createPictures(map, below) {
  const shown = new Map();
  const broken = new Set();

  function widthOf([west, , east]) {
    return ((east - west) / 360) * 512 * 2 ** map.getZoom();
  }

  function wanted(rows) {
    const view = map.getBounds();
    const seen = ({ extent: [west, south, east, north] }) =>
      north >= view.getSouth() &&
      south <= view.getNorth() &&
      [-360, 0, 360].some((turn) => east + turn >= view.getWest() && west + turn <= view.getEast());
    return rows
      .filter((row) => row.polygons.length && !broken.has(row.id) && widthOf(row.extent) >= SHOW_PX && seen(row))
      .slice(0, MOST)
      .filter((row) => previewOf(row.hit))
      .reverse(); // the best match on top where footprints overlap
  }

  function add(row) {
    const id = `picture-${row.index}`;
    map.addSource(id, { type: "image", url: previewOf(row.hit), coordinates: cornersOf(row) });
    map.addLayer({ id, type: "raster", source: id, paint: { "raster-fade-duration": FADE_MS } }, below);
    shown.set(row.id, id);
  }

  function remove(rowId) {
    const id = shown.get(rowId);
    shown.delete(rowId);
    if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource(id)) map.removeSource(id);
  }

  return {
    /** Show the pictures of `rows` that are in view and large enough; take the others away. */
    update(rows) {
      const next = wanted(rows);
      const keep = new Set(next.map((row) => row.id));
      for (const id of [...shown.keys()]) if (!keep.has(id)) remove(id);
      for (const row of next) if (!shown.has(row.id)) add(row);
    },
    /** Take all pictures away, because the rows have changed. */
    clear() {
      for (const id of [...shown.keys()]) remove(id);
      broken.clear();
    },
    /** Note that the picture of a source could not be loaded; returns whether it was one of ours. */
    failed(sourceId) {
      const row = [...shown].find(([, id]) => id === sourceId);
      if (!row) return false;
      broken.add(row[0]);
      remove(row[0]);
      return true;
    },
    /** Number of pictures on the map. */
    count: () => shown.size,
  };
}
