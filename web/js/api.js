// The server's routes. A newer question of the same kind gives up the older one.

const ROOT = new URL("./", document.baseURI);

/** What went wrong, in the server's words where it had any. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "", field = null } = {}) {
    super(message);
    Object.assign(this, { status, code, field });
  }
}

export const isAbort = (error) => error?.name === "AbortError";

/** Return the full address of a link that the server gave; what is neither web nor picture leads nowhere. */
export function address(link) {
  const url = URL.canParse(link, ROOT) ? new URL(link, ROOT) : null;
  const right = url && (/^https?:$/.test(url.protocol) || /^data:image\//.test(url.href));
  return right ? url.href : "about:blank";
}

/** Return the path of a tile's resource; ids hold ~ and may hold / : #. */
export function tileAddress(id, resource = "", params = {}) {
  const url = new URL(`v1/tiles/${encodeURIComponent(id)}${resource && `/${resource}`}`, ROOT);
  for (const [name, value] of Object.entries(params)) if (value) url.searchParams.set(name, value);
  return url.href;
}

const KEY = "swath-key";
let key = null;
try {
  key = sessionStorage.getItem(KEY);
} catch {
  // Storage may be forbidden; the key then lasts as long as the page.
}

/** Keep an API key for this tab, and let the server turn it into a cookie, since pictures carry no headers. */
export async function useKey(given) {
  const before = key;
  key = given;
  try {
    await call("v1/session", { method: "POST" });
  } catch (error) {
    key = before;
    throw error;
  }
  try {
    sessionStorage.setItem(KEY, given);
  } catch {
    // As above.
  }
}

const running = new Map();

function newest(kind) {
  running.get(kind)?.abort();
  const controller = new AbortController();
  running.set(kind, controller);
  return controller.signal;
}

/** Give up what is under way of that kind. */
export const stop = (kind) => running.get(kind)?.abort();

async function call(path, { kind, ...options } = {}) {
  let answer;
  try {
    const headers = { ...options.headers, ...(key ? { authorization: `Bearer ${key}` } : {}) };
    answer = await fetch(new URL(path, ROOT), { ...options, headers, signal: kind ? newest(kind) : options.signal });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("The server cannot be reached.", { code: "offline" });
  }
  if (!answer.ok) throw await asError(answer);
  return answer;
}

async function asError(answer) {
  const body = await answer.json().catch(() => null);
  const { message, code, field } = body?.error ?? {};
  const shown = message ?? `The server answered ${answer.status}.`;
  return new ApiError(shown, { status: answer.status, code: code ?? "", field: field ?? null });
}

/** Return fetch options that carry a request: JSON, or a form where pictures go along. */
function posted({ body, pictures = [] }) {
  if (!pictures.length) {
    return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  }
  const form = new FormData();
  form.append("request", JSON.stringify(body));
  for (const picture of pictures) form.append("picture", picture, picture.name || "picture");
  return { method: "POST", body: form };
}

const json = async (answer) => (await answer).json();

/** Return what an index holds. */
export const describe = (index) => json(call(`v1/index${index ? `?index=${encodeURIComponent(index)}` : ""}`));

/** Return how the tiles of an index can be drawn. */
export const renderings = (index) => json(call(`v1/renderings${index ? `?index=${encodeURIComponent(index)}` : ""}`));

/** Return the names of the indexes. */
export const indexes = () => json(call("v1/indexes"));

// Previews come with the answer: one request in place of sixty, and the pictures are there with the first hit.
const SEARCH = "v1/search?previews=inline";

/** Return the searches that are kept with an index. */
export const watches = (index) => json(call(`v1/watches${index ? `?index=${encodeURIComponent(index)}` : ""}`));

/** Return what one of them has found after a match of that number. */
export function watchMatches(name, { since, index }) {
  const params = new URLSearchParams({ since, ...(index ? { index } : {}) });
  return json(call(`v1/watches/${encodeURIComponent(name)}/matches?${params}`, { kind: "watch" }));
}

/** Return the hits of a request, see request.js. */
export const search = (request) => json(call(SEARCH, { ...posted(request), kind: "search" }));

/** Return the next page; a search that starts meanwhile does not stop it, so the caller checks. */
export const searchMore = (request) => json(call(SEARCH, { ...posted(request), kind: "more" }));

/** Return counts; `kind` tells apart the facets that are asked for side by side. */
export const facets = (request, kind) => json(call("v1/facets", { ...posted(request), kind: `facets-${kind}` }));

/** Return STAC items that pass filters, see request.js. */
export const browse = (params) => json(call(`stac/search?${new URLSearchParams(params)}`, { kind: "browse" }));

/** Return one tile. */
export const tile = (id, index) => json(call(tileAddress(id, "", { index }), { kind: "tile" }));

/** Return the tiles of the same place. */
export const series = (id, index) => json(call(tileAddress(id, "series", { index }), { kind: "series" }));

/** Return a picture with where its pixels come from: {blob, pixels, reason}. */
export async function image(id, params, kind) {
  const answer = await call(tileAddress(id, "image.png", params), { kind });
  const { headers } = answer;
  return { blob: await answer.blob(), pixels: headers.get("x-swath-pixels"), reason: headers.get("x-swath-reason") };
}

/** Return a file of the hits as a blob. */
export async function exported(request, format, onBytes) {
  const answer = await call(`v1/export?format=${format}`, { ...posted(request), kind: "export" });
  const parts = [];
  let bytes = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    onBytes((bytes += value.length));
  }
  return new Blob(parts, { type: answer.headers.get("content-type") ?? "" });
}

/** Ask a question; yields {event, data} as the server sends them. */
export async function* ask(body) {
  const options = posted({ body });
  options.headers.accept = "text/event-stream";
  const answer = await call("v1/ask", { ...options, kind: "ask" });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += done ? "\n\n" : value;
    for (let end; (end = /\r?\n\r?\n/.exec(text)); text = text.slice(end.index + end[0].length)) {
      const found = parseEvent(text.slice(0, end.index));
      if (found) yield found;
    }
    if (done) return;
  }
}

function parseEvent(block) {
  const fields = { event: "message", data: [] };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (name === "event") fields.event = value;
    if (name === "data") fields.data.push(value);
  }
  if (!fields.data.length) return null;
  const joined = fields.data.join("\n");
  try {
    return { event: fields.event, data: JSON.parse(joined) };
  } catch {
    return { event: fields.event, data: joined };
  }
}
