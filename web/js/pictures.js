// Pictures to search with. They stay on this device, under a key that the address may carry, so that reload and back
// find them; another device is told what is missing.

const DATABASE = "swath-pictures";
const STORE = "pictures";
const KEPT = 40; // pictures remembered; the oldest go first
const MAX_BYTES = 32 * 2 ** 20; // the server's own limit of a body

const memory = new Map();

/** The address names a picture that this device does not have. */
export class MissingPicture extends Error {
  constructor(key) {
    super("The picture of this link is not on this device. Drop it here again, or remove it from the search.");
    this.key = key;
  }
}

/** Keep a picture; returns its key. Raises an Error with a sentence where it cannot be used. */
export async function keepPicture(file) {
  if (file.size > MAX_BYTES) throw new Error(`${file.name || "The picture"} has ${(file.size / 2 ** 20).toFixed(0)} MB; at most 32 MB can be sent.`); // prettier-ignore
  if (!file.size) throw new Error(`${file.name || "The picture"} is empty.`);
  const digest = await fingerprint(await file.arrayBuffer());
  memory.set(digest, file);
  await store(digest, file).catch(() => {}); // private windows have no database: the picture lives until reload
  return digest;
}

/** Return the picture of a key as a File. */
export async function pictureFile(key) {
  const found = memory.get(key) ?? (await load(key).catch(() => null));
  if (!found) throw new MissingPicture(key);
  memory.set(key, found);
  return found;
}

const thumbnails = new Map();

/** Return an address that an img can show, or null where browsers cannot draw it (GeoTIFF) or it is missing. */
export async function thumbnail(key) {
  if (thumbnails.has(key)) return thumbnails.get(key);
  const file = await pictureFile(key).catch(() => null);
  const drawn = file && /^image\/(png|jpe?g|webp|gif|bmp)$/.test(file.type) ? URL.createObjectURL(file) : null;
  if (file) thumbnails.set(key, drawn);
  return drawn;
}

/** Return the first picture among dropped or pasted things, or null. */
export function pictureAmong(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/") || /\.(tiff?|jpe?g|png|webp)$/i.test(file.name)) ?? null;
}

async function fingerprint(buffer) {
  // Only pages of https and localhost have crypto.subtle.
  if (globalThis.crypto?.subtle) {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
    return [...bytes.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  let hash = 0xcbf29ce484222325n; // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
  const bytes = new Uint8Array(buffer);
  const step = Math.max(1, Math.floor(bytes.length / 65536));
  for (let i = 0; i < bytes.length; i += step) hash = BigInt.asUintN(64, (hash ^ BigInt(bytes[i])) * 0x100000001b3n);
  return BigInt.asUintN(64, hash ^ BigInt(bytes.length)).toString(16).padStart(16, "0");
}

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" }).createIndex("at", "at");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

async function within(mode, work) {
  const opened = await database();
  return new Promise((resolve, reject) => {
    const transaction = opened.transaction(STORE, mode);
    const asked = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = () => reject(transaction.error);
  });
}

async function store(key, file) {
  await within("readwrite", (pictures) => {
    pictures.put({ key, file, at: Date.now() });
    const count = pictures.count();
    count.onsuccess = () => {
      let extra = count.result - KEPT;
      if (extra <= 0) return;
      pictures.index("at").openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor || extra-- <= 0) return;
        cursor.delete();
        cursor.continue();
      };
    };
  });
}

const load = async (key) => (await within("readonly", (pictures) => pictures.get(key)))?.file ?? null;
