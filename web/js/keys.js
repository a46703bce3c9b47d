// What the keyboard does; where text is typed it types.

export const KEYS = [
  ["/", "to the search"],
  ["Ctrl Enter", "ask what is written there"],
  ["\u2190 \u2191 \u2193 \u2192", "move among the tiles"],
  ["Enter", "open the tile"],
  ["Esc", "close it"],
  ["+", "mark as right"],
  ["\u2212", "mark as wrong"],
  ["M", "more like this"],
  ["?", "these keys"],
];

const typing = (node) => node.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]"); // prettier-ignore
const elsewhere = (node) => node.closest?.(".map, .timeline, .menu, [role=slider]");

/** Listen on the page. `actions`: focusSearch, focusGrid, tile() -> id|null, drawerOpen, mark, like, close, step, help. */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return escape(event, actions);
    if (typing(event.target) || elsewhere(event.target)) return;
    const id = actions.tile();
    const work = {
      "/": actions.focusSearch,
      "?": actions.help,
      "+": id && (() => actions.mark(id, "plus")),
      "=": id && (() => actions.mark(id, "plus")),
      "-": id && (() => actions.mark(id, "minus")),
      "\u2212": id && (() => actions.mark(id, "minus")),
      m: id && (() => actions.like(id)),
      ArrowLeft: actions.drawerOpen() && (() => actions.step(-1)),
      ArrowRight: actions.drawerOpen() && (() => actions.step(1)),
      ArrowDown: event.target === document.body && actions.focusGrid,
    }[event.key];
    if (!work) return;
    event.preventDefault();
    work();
  });
}

function escape(event, actions) {
  if (event.target.id === "text") {
    event.preventDefault(); // browsers would clear the words
    return event.target.blur();
  }
  if (!actions.drawerOpen()) return;
  event.preventDefault();
  actions.close();
}
