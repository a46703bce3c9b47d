// What the searches that are kept with an archive have found, newest first.

import { watchMatches } from "./api.js";
import { button, el, fill, menu } from "./dom.js";
import { date, plural, score } from "./format.js";

const LATEST = 20; // matches listed of a watch; all of them are at v1/watches/NAME/matches

/** Build the menu: `node`, and `show(watches, index)`; it stays away where an archive has no watches. */
export function createWatches({ holder, open }) {
  let listed = [];
  let index = null;
  const trigger = button({ icon: "bell", label: "Watches", id: "watches" });
  const node = menu(trigger, (close) => panel({ listed, index, open: (id) => (close(false), open(id)) }), { align: "end", label: "Watches" }); // prettier-ignore
  return {
    show(watches, name) {
      listed = watches;
      index = name;
      if (listed.length) holder.prepend(node);
      else node.remove();
    },
  };
}

function panel({ listed, index, open }) {
  const found = el("div", { class: "watch-matches", "aria-live": "polite" });
  const rows = listed.map((watch) => {
    const text = `${watch.name}: ${watch.matches === null ? "damaged" : plural(watch.matches, "match", "matches")}`;
    return button({ text, class: "quiet choice", title: looksFor(watch), disabled: !watch.matches, on: { click: () => list({ watch, index, found, open }) } }); // prettier-ignore
  });
  return [el("h3", { text: "Watches" }), ...rows, found];
}

const looksFor = ({ about, problem }) => problem ?? Object.entries(about ?? {}).map(([kind, value]) => `${kind}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", "); // prettier-ignore

async function list({ watch, index, found, open }) {
  try {
    const { features } = await watchMatches(watch.name, { since: Math.max(0, watch.matches - LATEST), index });
    const items = features.reverse().map(({ id, properties }) => button({ text: `${date(properties.datetime)} \u00b7 ${score(properties.score)} \u00b7 ${properties.sensor}`, title: id, class: "quiet choice", on: { click: () => open(id) } })); // prettier-ignore
    fill(found, el("h3", { text: `Latest of ${watch.name}` }), items);
  } catch (error) {
    fill(found, el("p", { class: "small", role: "alert", text: error.message }));
  }
}
