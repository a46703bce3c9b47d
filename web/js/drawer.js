// One tile: its pixels, what is known of it, where it comes from, and the same place on other days.

import { button, el, fill, icon } from "./dom.js";
import { date, fit, instant, metres, percent, place, sensorTitle } from "./format.js";
import { address, image, isAbort, series, tile, tileAddress } from "./api.js";
import { legend as legendOf, offered, renderingTitle } from "./renderings.js";
import { toast } from "./notices.js";

const FULL = 2048; // the server's largest picture: no tile is shown smaller than its original

/** Build the drawer. `actions`: close, step(-1|1), like, add(id, weight), mark(id, kind), open(id), hover(id|null). */
export function createDrawer({ drawer, store, renderings, known, actions }) {
  let shown = null; // {id, record, chosen rendering}
  let opener = null;
  const phone = matchMedia("(max-width: 760px)");

  async function open(id) {
    const first = !shown;
    if (first) opener = document.activeElement;
    shown = { id };
    drawer.hidden = false;
    setOutside();
    const record = known(id);
    if (record) draw(record);
    else await fetchRecord(id);
    if (first) drawer.querySelector(".drawer-title")?.focus({ preventScroll: true });
  }

  async function fetchRecord(id) {
    fill(drawer, head({ title: "Opening\u2026" }), el("div", { class: "shot is-waiting" }));
    try {
      const record = await tile(id, store.get().index);
      if (shown?.id === id) draw(record);
    } catch (error) {
      if (isAbort(error) || shown?.id !== id) return;
      const text = error.status === 404 ? "This tile is no longer in the index." : error.message;
      fill(drawer, head({ title: "Tile" }), el("div", { class: "notice is-error", role: "alert" }, icon("warn"), el("div", { class: "notice-body" }, el("p", { text }), el("p", { class: "code small", text: id })))); // prettier-ignore
    }
  }

  function close() {
    if (!shown) return;
    shown = null;
    drawer.hidden = true;
    drawer.replaceChildren();
    setOutside();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    opener = null;
  }

  /** A phone shows nothing but the drawer, so nothing else may take the focus. */
  function setOutside() {
    const covered = Boolean(shown) && phone.matches;
    document.querySelectorAll(".top, .filters, .results, .place, .panes").forEach((node) => (node.inert = covered));
    document.body.classList.toggle("has-drawer", Boolean(shown));
  }
  phone.addEventListener("change", setOutside);

  function draw(record) {
    shown.record = record;
    const found = el("div", { class: "shot-holder" });
    const dates = el("section", { class: "drawer-part" });
    fill(drawer, head({ title: sensorTitle(record.sensor), record }), el("div", { class: "drawer-body" },
      found, actionsRow(record), dates, captions(record), metadata(record), provenance(record))); // prettier-ignore
    drawShot(found, record, (name) => drawSeries(dates, record, name));
    drawer.querySelector(".drawer-body").scrollTop = 0;
  }

  function head({ title, record }) {
    const value = record && fit(record);
    return el("header", { class: "drawer-head" },
      el("div", { class: "drawer-titles" },
        el("h2", { class: "drawer-title", tabindex: -1, text: title }),
        record && el("p", { class: "muted" }, instant(record.datetime), value ? ` \u00b7 ${record.probability != null ? "probability" : "similarity"} ${value}` : "")),
      button({ icon: "left", label: "The tile before", on: { click: () => actions.step(-1) } }),
      button({ icon: "right", label: "The next tile", on: { click: () => actions.step(1) } }),
      button({ icon: "close", label: "Close the tile", id: "drawer-close", on: { click: actions.close } })); // prettier-ignore
  }

  /** The picture with the choice of renderings, and where its pixels come from. */
  function drawShot(holder, record, onRendering) {
    const names = offered(renderings(), record.sensor);
    const state = store.get();
    const chosen = names.includes(state.rendering) ? state.rendering : (names[0] ?? null);
    const frame = el("div", { class: "shot is-waiting" });
    const origin = el("p", { class: "shot-origin small", role: "status" });
    const legend = el("div", { class: "legend-row" });
    const tabs = names.map((name) => button({ text: renderingTitle(name), class: "quiet tab", "aria-pressed": "false", data: { name }, on: { click: () => choose(name, true) } })); // prettier-ignore
    fill(holder, el("div", { class: "tabs", role: "group", "aria-label": "Rendering" }, tabs), frame, origin, legend);
    const id = record.tile_id;
    async function choose(name, remember) {
      if (remember) store.set({ rendering: name }, { push: false });
      for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.name === name));
      fill(legend, legendOf(renderings(), record.sensor, name));
      onRendering(name);
      frame.classList.add("is-waiting");
      try {
        const got = await image(id, { rendering: name, size: FULL, index: state.index }, "image");
        if (shown?.id !== id) return;
        showPixels(frame, origin, record, got);
      } catch (error) {
        if (isAbort(error) || shown?.id !== id) return;
        showStored(frame, origin, record, error);
      }
    }
    choose(chosen, false);
  }

  function drawSeries(holder, record, name) {
    const list = el("ul", { class: "series" });
    const title = el("h3", { text: "The same place on other days" });
    series(record.tile_id, store.get().index).then(
      (answer) => {
        if (shown?.id !== record.tile_id) return;
        const records = seriesOf(answer, record);
        if (records.length < 2) return fill(holder, title, el("p", { class: "muted small", text: "The index holds no other day of this place." })); // prettier-ignore
        fill(list, records.map((entry) => dayCell(entry, record, name)));
        fill(holder, title, list);
        const own = list.querySelector("[aria-current]");
        list.scrollLeft = own.offsetLeft - (list.clientWidth - own.offsetWidth) / 2;
      },
      (error) => isAbort(error) || fill(holder, title, el("p", { class: "muted small", text: `Other days cannot be shown: ${error.message}` })), // prettier-ignore
    );
  }

  function dayCell(entry, record, name) {
    const own = entry.tile_id === record.tile_id;
    const drawn = name && offered(renderings(), entry.sensor).includes(name);
    const index = store.get().index;
    const source = drawn ? tileAddress(entry.tile_id, "image.png", { rendering: name, size: 256, index }) : tileAddress(entry.tile_id, "preview.webp", { index }); // prettier-ignore
    const share = entry.overlap ?? null;
    const note = own ? "shown" : share !== null && share < 0.995 ? `${percent(share)} of it` : sensorTitle(entry.sensor).split(" ")[0];
    const open = el("button", { type: "button", class: "day", "aria-current": own ? "true" : null, on: { click: () => actions.open(entry.tile_id) } },
      el("img", { src: source, alt: "", width: 112, height: 112, loading: "lazy" }),
      el("span", { text: date(entry.datetime) }), el("span", { class: "muted small", text: note })); // prettier-ignore
    return el("li", {}, open);
  }

  function actionsRow(record) {
    const id = record.tile_id;
    const marks = ["plus", "minus"].map((kind) => {
      const on = store.get()[kind].includes(id);
      return button({ icon: kind, label: kind === "plus" ? "Mark as right" : "Mark as wrong", class: `outline mark mark-${kind}`, "aria-pressed": String(on), on: { click: () => actions.mark(id, kind) } }); // prettier-ignore
    });
    return el("div", { class: "drawer-actions" },
      button({ icon: "like", text: "More like this", class: "solid", on: { click: () => actions.like(id) } }),
      button({ text: "Add", class: "outline", title: "Add this tile to the search", on: { click: () => actions.add(id, 1) } }),
      button({ text: "Subtract", class: "outline", title: "Subtract this tile from the search", on: { click: () => actions.add(id, -1) } }),
      el("span", { class: "spring" }), marks); // prettier-ignore
  }

  function follow(state) {
    if (!shown?.record) return;
    for (const kind of ["plus", "minus"]) drawer.querySelector(`.mark-${kind}`)?.setAttribute("aria-pressed", String(state[kind].includes(shown.id))); // prettier-ignore
  }

  const metadata = (record) =>
    part("About", list([
      ["Place", record.centroid && place(record.centroid)],
      ["Date", record.datetime ? instant(record.datetime) : "undated"],
      ["Ground resolution", record.gsd && `${metres(record.gsd)} a pixel`],
      ["Cloud", record.cloud == null ? "unknown" : percent(record.cloud)],
      ["With data", record.valid == null ? null : percent(record.valid)],
      ["Label", record.label],
      ["Collection", record.collection],
    ])); // prettier-ignore

  function provenance(record) {
    const { window: box, links = {} } = record;
    const index = store.get().index;
    const web = /^https:\/\//.test(record.href ?? "");
    const original = record.href && (web ? el("a", { href: record.href, rel: "noopener noreferrer", target: "_blank", text: record.href }) : el("span", { text: record.href })); // prettier-ignore
    return part("Provenance", list([
      ["Scene", record.scene_id, "code"],
      ["Original", original, "code"],
      ["Window", box && `${box.width} \u00d7 ${box.height} pixels from column ${box.col_off}, row ${box.row_off}`],
      ["H3 cell", record.h3, "code"],
      ["Tile", record.tile_id, "code"],
    ]), el("div", { class: "drawer-links" },
      el("a", { class: "outline", href: tileAddress(record.tile_id, "pixels.tif", { index }), download: "" }, icon("export"), el("span", { text: "GeoTIFF" })),
      links.item && el("a", { class: "outline", href: address(links.item), target: "_blank", rel: "noopener" }, icon("link"), el("span", { text: "STAC item" })),
      button({ icon: "copy", text: "Copy link", class: "outline", on: { click: copyLink } }))); // prettier-ignore
  }

  /** Draw the open tile once more: its renderings became known. */
  const redraw = () => shown?.record && draw(shown.record);

  return { open, close, follow, redraw, shown: () => shown?.id ?? null };
}

/** Return the tiles of a place by date, the tile itself among them. */
export function seriesOf({ tiles = [] }, record) {
  const others = tiles.filter(({ tile_id: id }) => id !== record.tile_id);
  return [...others, record].sort((a, b) => String(a.datetime ?? "").localeCompare(String(b.datetime ?? "")));
}

const MOST_CAPTIONS = 12; // more than any dataset gives a picture

function captions(record) {
  const texts = record.captions ?? [];
  return texts.length ? part("Described as", el("ul", { class: "captions" }, texts.slice(0, MOST_CAPTIONS).map((text) => el("li", { text })))) : null;
}

const part = (title, ...content) => el("section", { class: "drawer-part" }, el("h3", { text: title }), content);

function list(rows) {
  const given = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, given.flatMap(([name, value, kind]) => [el("dt", { text: name }), el("dd", { class: kind ?? "" }, value)])); // prettier-ignore
}

function showPixels(frame, origin, record, { blob, pixels, reason }) {
  const href = URL.createObjectURL(blob);
  const picture = el("img", { alt: `${sensorTitle(record.sensor)}, ${date(record.datetime)}`, class: "pixels" });
  picture.addEventListener("load", () => {
    URL.revokeObjectURL(href);
    frame.classList.remove("is-waiting");
    const size = `${picture.naturalWidth} \u00d7 ${picture.naturalHeight} pixels`;
    const stored = pixels === "stored-preview";
    origin.className = `shot-origin small${stored ? " is-part" : " muted"}`;
    origin.textContent = stored ? `Stored preview, ${size}: ${reason ?? "the original cannot be read"}` : `Original pixels, ${size}${record.gsd ? `, ${metres(record.gsd)} each` : ""}`; // prettier-ignore
  });
  picture.src = href;
  fill(frame, picture);
}

function showStored(frame, origin, record, error) {
  frame.classList.remove("is-waiting");
  const given = record.preview ?? record.links?.preview;
  const source = given ? address(given) : tileAddress(record.tile_id, "preview.webp");
  fill(frame, el("img", { src: source, alt: "Stored preview", class: "pixels" }));
  origin.className = "shot-origin small is-part";
  origin.textContent = `Stored preview. ${error.message}`;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    toast("Link copied.");
  } catch {
    toast("The browser does not let pages copy here; take the link from the address bar.", { error: true });
  }
}
