// Take the hits away in a format of the trade.

import { button, el, fill, menu } from "./dom.js";
import { bytes, count } from "./format.js";
import { exported, isAbort, stop } from "./api.js";
import { searchRequest } from "./request.js";

const FORMATS = [
  { format: "geojson", title: "GeoJSON", about: "footprints for QGIS and the web", suffix: "geojson" },
  { format: "csv", title: "CSV", about: "one line a tile, for spreadsheets", suffix: "csv" },
  { format: "geoparquet", title: "GeoParquet", about: "columns and footprints for pandas and DuckDB", suffix: "parquet" },
  { format: "stac", title: "STAC items", about: "an item collection that links the original files", suffix: "json" },
];
const MOST = 10_000; // the server's own limit of one export

/** Return the export menu. */
export function createExport({ store, results }) {
  const trigger = button({ icon: "export", text: "Export", class: "quiet", id: "export", "aria-label": "Export" });
  const holder = menu(trigger, () => panel({ store, results }), { align: "end", label: "Export the results" });
  return { node: holder, show: (able) => (trigger.disabled = !able) };
}

function panel({ store, results }) {
  const { matched, hits } = results();
  const amounts = [...new Set([Math.min(100, matched), Math.min(1000, matched), Math.min(MOST, matched)])].filter(Boolean);
  const choose = el("select", { class: "field", id: "export-count" }, amounts.map((amount) => el("option", { value: String(amount), text: amount === matched ? `all ${count(amount)}` : `the best ${count(amount)}` }))); // prettier-ignore
  choose.value = String(amounts.find((amount) => amount >= hits.length) ?? amounts.at(-1));
  const progress = el("p", { class: "muted small", role: "status" });
  const rows = FORMATS.map((kind) => {
    const take = () => download({ kind, k: Number(choose.value), state: store.get(), progress, buttons });
    return el("button", { type: "button", class: "quiet export-format", data: { format: kind.format }, on: { click: take } }, el("strong", { text: kind.title }), el("span", { class: "muted", text: kind.about })); // prettier-ignore
  });
  const buttons = rows;
  return [el("label", { for: "export-count" }, el("span", { text: "Take" }), choose), ...rows, progress];
}

async function download({ kind, k, state, progress, buttons }) {
  for (const node of buttons) node.disabled = true;
  fill(progress, "Preparing\u2026 ", button({ text: "Stop", class: "link", on: { click: () => stop("export") } }));
  const told = el("span");
  try {
    const request = await searchRequest(state, { k });
    progress.prepend(told);
    const blob = await exported(request, kind.format, (size) => (told.textContent = `${bytes(size)} so far. `));
    save(blob, `swath-${new Date().toISOString().slice(0, 10)}.${kind.suffix}`);
    progress.textContent = `Saved ${bytes(blob.size)}.`;
  } catch (error) {
    progress.textContent = isAbort(error) ? "Stopped." : `The export failed: ${error.message}`;
  } finally {
    for (const node of buttons) node.disabled = false;
  }
}

function save(blob, name) {
  const href = URL.createObjectURL(blob);
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
