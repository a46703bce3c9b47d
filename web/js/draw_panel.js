// The panel over the map while something is drawn: what to do, and a field to type coordinates instead.

import { make } from "./map_legend.js";

const TEXTS = {
  box: {
    title: "Draw a box",
    hint: "Drag from corner to corner.",
    label: "West, south, east, north in degrees",
    example: "5.9, 45.8, 10.5, 47.8",
  },
  polygon: {
    title: "Draw a polygon",
    hint: "Click the corners, then the first one again.",
    label: "Longitude latitude pairs in degrees",
    example: "8 47, 9 47.5, 8.5 46.5",
  },
  point: {
    title: "Pick a place",
    hint: "Click the map.",
    label: "Longitude, latitude in degrees",
    example: "8.54, 47.37",
  },
};

/** Create the panel in `host`; `onSubmit(text)`, `onDone()` and `onCancel()` are called from its buttons. */
export function createPanel(host, { onSubmit, onDone, onCancel }) {
  const title = make("strong", { id: "map-panel-title", className: "map-panel-title" });
  const hint = make("span", { className: "map-panel-hint", role: "status" });
  const input = make("input", { type: "text", id: "map-panel-coordinates", autocomplete: "off", spellcheck: "false", inputmode: "text", "aria-describedby": "map-panel-error" }); // prettier-ignore
  const label = make("label", { for: "map-panel-coordinates" });
  const use = make("button", { type: "submit", className: "map-panel-use", text: "Use" });
  const finish = make("button", { type: "button", className: "map-panel-finish", text: "Finish" });
  const type = make("button", { type: "button", className: "map-panel-type", "aria-controls": "map-panel-row", text: "Type it" });
  const cancel = make("button", { type: "button", className: "map-panel-cancel", text: "Cancel" });
  const error = make("p", { className: "map-panel-error", id: "map-panel-error", role: "alert" });
  const row = make("div", { className: "map-panel-row", id: "map-panel-row" }, label, input, use);
  const box = make(
    "form",
    { className: "map-panel", role: "group", "aria-labelledby": "map-panel-title", novalidate: "" },
    make("div", { className: "map-panel-head" }, title, hint, finish, type, cancel),
    row,
    error,
  );
  box.hidden = true;
  host.append(box);
  box.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit(input.value);
  });
  finish.addEventListener("click", onDone);
  type.addEventListener("click", () => {
    unfold(row.hidden);
    if (!row.hidden) input.focus();
  });
  cancel.addEventListener("click", onCancel);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onCancel();
    event.stopPropagation(); // arrows and + move the cursor and not the map
  });
  function unfold(open) {
    row.hidden = !open;
    type.setAttribute("aria-expanded", String(open));
  }

  return {
    /** Show the panel; with `typing`, its field at once. */
    open(mode, value = "", typing = Boolean(value)) {
      const texts = TEXTS[mode];
      title.textContent = texts.title;
      hint.textContent = texts.hint;
      label.textContent = texts.label;
      input.placeholder = texts.example;
      input.value = value;
      finish.hidden = mode !== "polygon";
      finish.disabled = true;
      unfold(typing);
      error.textContent = "";
      input.removeAttribute("aria-invalid");
      box.hidden = false;
    },
    close() {
      box.hidden = true;
    },
    focus: () => input.focus(),
    setHint: (text) => (hint.textContent = text),
    setReady: (ready) => (finish.disabled = !ready),
    setError(message) {
      error.textContent = message;
      input.toggleAttribute("aria-invalid", Boolean(message));
      if (message) input.setAttribute("aria-invalid", "true");
    },
    remove: () => box.remove(),
  };
}
