// From the page's state to the body of a request.

import { pictureFile } from "./pictures.js";

export const PAGE = 60; // hits a page: three screens of a desk, a few kilobytes of JSON

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
  for (const { kind, value, weight } of given) {
    if (kind === "picture") query.push({ picture: pictures.push(await pictureFile(value)) - 1, weight });
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
