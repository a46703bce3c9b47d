// Values as people read them. Dates are UTC everywhere: two analysts must read the same day.

const number = new Intl.NumberFormat("en");
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (value) => number.format(value);
export const short = (value) => (value < 10_000 ? number.format(value) : compact.format(value));
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;
export const percent = (fraction) => `${Math.round(fraction * 100)} %`;

/** Return a cosine with a true minus sign. */
export const score = (value) => value.toFixed(3).replace("-", "\u2212");

/** Return the day, as ISO 8601 writes it: short, sorted by reading, the same in every country. */
export function date(text) {
  const parsed = Date.parse(text ?? "");
  return Number.isNaN(parsed) ? "undated" : new Date(parsed).toISOString().slice(0, 10);
}

export function instant(text) {
  const parsed = new Date(text);
  return text && !Number.isNaN(parsed.getTime()) ? `${day.format(parsed)}, ${parsed.toISOString().slice(11, 16)} UTC` : "undated";
}

/** Return lon, lat as degrees with letters. */
export function place([lon, lat], digits = 4) {
  const part = (value, positive, negative) => `${Math.abs(value).toFixed(digits)}° ${value < 0 ? negative : positive}`;
  return `${part(lat, "N", "S")}, ${part(lon, "E", "W")}`;
}

/** Return metres as metres or kilometres. */
export const metres = (value) => (value < 1000 ? `${Number(value.toPrecision(3))} m` : `${Number((value / 1000).toPrecision(3))} km`);

export const bytes = (value) => (value < 2 ** 20 ? `${Math.ceil(value / 1024)} kB` : `${(value / 2 ** 20).toFixed(1)} MB`);

const SENSORS = { "sentinel-2-l2a": "Sentinel-2 L2A", "sentinel-2-l1c": "Sentinel-2 L1C", "sentinel-1-rtc": "Sentinel-1 RTC", "sentinel-1-grd": "Sentinel-1 GRD", "landsat-c2-l2": "Landsat 8/9 L2", "landsat-c2-l2-tm": "Landsat 4\u20137 L2", naip: "NAIP", enmap: "EnMAP", rgb: "Colour picture", panchromatic: "Panchromatic" }; // prettier-ignore
const TAGS = { "sentinel-2-l2a": "S2", "sentinel-2-l1c": "S2", "sentinel-1-rtc": "S1", "sentinel-1-grd": "S1", "landsat-c2-l2": "L8/9", "landsat-c2-l2-tm": "L4\u20137", panchromatic: "PAN" }; // prettier-ignore

/** Return a sensor's name for people; a new one shows as it is called. */
export const sensorTitle = (name) => SENSORS[name] ?? name;
export const sensorTag = (name) => TAGS[name] ?? String(name ?? "").toUpperCase().slice(0, 8);

/** Return one line about a tile but for its date, for labels that are read out. */
export function tileLine(hit) {
  const parts = [sensorTitle(hit.sensor)];
  if (hit.label) parts.push(hit.label);
  if (hit.cloud !== null && hit.cloud !== undefined) parts.push(`${percent(hit.cloud)} cloud`);
  return parts.join(", ");
}

/** Return how well a hit fits, as people read it; a probability where the index is calibrated. */
export function fit(hit) {
  if (hit.probability !== null && hit.probability !== undefined) return percent(hit.probability);
  return hit.score === null || hit.score === undefined ? "" : score(hit.score);
}
