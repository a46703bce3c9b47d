// Pictures from anywhere: dropped on the page, or pasted into it.

import { toast } from "./notices.js";
import { pictureAmong } from "./pictures.js";

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Listen on the whole page; `veil` shows while something is dragged over it. */
export function listenForPictures(veil, onPicture) {
  let depth = 0; // entering a child comes before leaving its parent
  const over = (by) => {
    depth = Math.max(0, depth + by);
    veil.hidden = !depth;
  };
  window.addEventListener("dragenter", (event) => carriesFiles(event) && over(1));
  window.addEventListener("dragleave", (event) => carriesFiles(event) && over(-1));
  window.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(-Infinity);
    const file = pictureAmong(event.dataTransfer);
    if (file) onPicture(file);
    else toast("That is no picture. JPEG, PNG, WebP and GeoTIFF work.", { error: true });
  });
  document.addEventListener("paste", (event) => {
    const file = pictureAmong(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    onPicture(file);
  });
}
