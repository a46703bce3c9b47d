// From the page's state to the body of a request.

import { pictureFile } from "./pictures.js";

export const PAGE = 36; // hits a page: two screens of a desk; with their previews about 300 kB

const round = (value) => Number(value.toFixed(6));

/** Return the filters of a state as fields of a request. */
export function filterFields(state, without = "") {
  const fields = {};
  if (state.index) fields.index = state.index;
  if (state.area?.bbox) fields.bbox = state.area.bbox.map(round);
  if (state.area?.within) fields.within = state.area.within;
  if (state.datetime && without !== "time") fields.datetime = state.datetime.map((end) => end || "..").join("/");
  if (state.sensor.length && without !== "sensor") fields.sensor = state.sensor;
  if (state.collection.length && without !== "collection") fields.collection = state.collection;
  if (state.maxCloud !== null && without !== "cloud") fields.max_cloud = state.maxCloud;
  return fields;
}

function thresholds(state) {
  const fields = {};
  if (state.minScore !== null) fields.min_score = state.minScore;
  if (state.minProbability !== null) fields.min_probability = state.minProbability;
  return fields;
}

async function subject(state) {
  const given = [...(state.text ? [{ kind: "text", value: state.text, weight: 1 }] : []), ...state.terms];
  const fields = {};
  const pictures = [];
  if (state.plus.length) fields.plus = state.plus;
  if (state.minus.length) fields.minus = state.minus;
  const [only] = given;
  if (given.length === 1 && only.weight === 1 && (only.kind === "text" || only.kind === "like")) {
    return { body: { ...fields, [only.kind]: only.value }, pictures };
  }
  const query = [];
  for (const { kind, value, weight, token } of given) {
    if (kind === "picture") query.push({ picture: token ?? pictures.push(await pictureFile(value)) - 1, weight });
    else query.push({ [kind]: value, weight });
  }
  return { body: query.length ? { ...fields, query } : fields, pictures };
}

/** Return {body, pictures} of the search; raises MissingPicture where one is not on this device. */
export async function searchRequest(state, { k = PAGE, cursor } = {}) {
  const { body, pictures } = await subject(state);
  const paging = cursor ? { k, cursor } : { k };
  return { body: { ...body, ...filterFields(state), ...thresholds(state), ...paging }, pictures };
}

/** Return the terms with the tokens that an answer gave their pictures. */
export function withTokens(terms, answered) {
  const tokens = (answered?.query ?? []).map(({ picture }) => picture).filter((picture) => typeof picture === "string");
  const pictures = terms.filter(({ kind }) => kind === "picture");
  if (tokens.length !== pictures.length) return terms;
  return terms.map((term) => (term.kind === "picture" ? { ...term, token: tokens[pictures.indexOf(term)] } : term));
}

/** Return the terms without tokens where the pictures themselves are at hand, or null where nothing would change. */
export async function withoutTokens(terms) {
  const kept = await Promise.all(terms.map(async ({ token, ...term }) => (token && (await pictureFile(term.value).then(Boolean, () => false)) ? term : { ...term, ...(token ? { token } : {}) }))); // prettier-ignore
  return kept.some((term, at) => term.token !== terms[at].token) ? kept : null;
}

/** Return the parameters of a look at the newest tiles, for a page that has not been asked anything. */
export function browseParams(state) {
  const params = { limit: BROWSED, sortby: "-datetime", fields: BROWSE_FIELDS };
  if (state.area?.bbox) params.bbox = state.area.bbox.map(round).join(",");
  if (state.area?.within) params.intersects = JSON.stringify(state.area.within);
  if (state.datetime) params.datetime = state.datetime.map((end) => end || "..").join("/");
  if (state.collection.length) params.collections = state.collection.join(",");
  const conditions = [];
  if (state.sensor.length) conditions.push(`"swath:sensor" IN (${state.sensor.map(quoted).join(", ")})`);
  if (state.maxCloud !== null) conditions.push(`"eo:cloud_cover" <= ${state.maxCloud}`);
  if (conditions.length) Object.assign(params, { "filter-lang": "cql2-text", filter: conditions.join(" AND ") });
  return params;
}

const BROWSED = 240; // newest tiles that the look is chosen from
const LOOKED_AT = 24;
const BROWSE_FIELDS = "id,bbox,geometry,collection,properties.datetime,properties.swath:sensor,properties.eo:cloud_cover";
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** Return STAC items as tiles: evenly chosen, since neighbours in time are often neighbours in place. */
export function browsedTiles({ features = [] }) {
  const step = Math.max(1, features.length / LOOKED_AT);
  const chosen = Array.from({ length: Math.min(features.length, LOOKED_AT) }, (_, at) => features[Math.floor(at * step)]);
  return chosen.map(({ id, bbox, geometry, collection, properties = {} }) => ({
    tile_id: id,
    bbox: bbox ?? null,
    footprint: geometry ?? null,
    collection,
    centroid: bbox && bbox[0] <= bbox[2] ? [(bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2] : null,
    datetime: properties.datetime ?? null,
    sensor: properties["swath:sensor"] ?? null,
    cloud: properties["eo:cloud_cover"] === undefined ? null : properties["eo:cloud_cover"] / 100,
    score: null,
    probability: null,
    partial: true,
  }));
}

/**
 * Return the requests for counts, each with what it is for. A filter is left out where its own counts are wanted:
 * they say what choosing another value would give.
 */
export async function facetRequests(state, { hexagons, resolution }) {
  const wanted = { time: { bins: 60 }, sensor: {}, collection: {}, cloud: { bins: 10 } };
  const active = { time: state.datetime, sensor: state.sensor.length, collection: state.collection.length, cloud: state.maxCloud !== null }; // prettier-ignore
  const alone = Object.keys(wanted).filter((name) => active[name]);
  const common = Object.fromEntries(Object.entries(wanted).filter(([name]) => !active[name]));
  if (hexagons) common.h3 = { resolution };
  const { body, pictures } = await subject(state);
  const request = (facets, without) => ({
    body: { ...body, ...filterFields(state, without), ...thresholds(state), facets },
    pictures,
  });
  return [
    { kind: "all", request: request(common, "") },
    ...alone.map((name) => ({ kind: name, request: request({ [name]: wanted[name] }, name) })),
  ];
}
