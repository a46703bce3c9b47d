// An answer as Markdown, to be pasted elsewhere. What came from the archive stays text there as well.

import { date, fit, percent, place } from "./format.js";
import { writtenBy } from "./answer_parts.js";

/** Return text in which nothing is markup. */
export const plain = (text) => String(text ?? "").replace(/\s+/g, " ").replace(/[\\`*_{}[\]()<>#+!|~&@:]/g, "\\$&").replace(/^(\d+)\./, "$1\\.").replace(/^-/, "\\-").replace(/\b(www)\./gi, "$1\\."); // prettier-ignore

const marks = (cites) => cites.map((number) => `\\[${number}\\]`).join("");

/** Return an answer with its citations. `link(id)` returns the address of a tile's page. */
export function markdown(answer, link) {
  const { question, claims, abstained, caveats, evidence } = answer;
  const lines = [`**${plain(question)}**`, ""];
  if (abstained) lines.push(`No answer from this archive: ${plain(abstained)}`, "");
  for (const { text, cites, confidence } of claims) lines.push(`- ${plain(text)} ${marks(cites)}${typeof confidence === "number" ? ` (${percent(confidence)})` : ""}`); // prettier-ignore
  if (caveats.length) lines.push("", ...caveats.map((text) => `> ${plain(text)}`));
  if (evidence.tiles.length || evidence.passages.length) lines.push("", "Evidence:", "");
  for (const tile of evidence.tiles) {
    const about = [date(tile.datetime), tile.sensor, tile.centroid && place(tile.centroid, 3), fit(tile)].filter(Boolean).map(plain);
    lines.push(`- \\[${tile.number}\\] [${plain(tile.tile_id)}](<${link(tile.tile_id)}>), ${about.join(", ")}`);
  }
  for (const { number, title, source } of evidence.passages) lines.push(`- \\[${number}\\] ${plain(title)} (${plain(source)})`);
  return [...lines, "", `${plain(writtenBy(answer))}`, ""].join("\n");
}
