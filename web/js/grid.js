// The tiles found, best first. One tile at a time is in the tab order; arrows move within the grid.

import { button, el, fill } from "./dom.js";
import { fit, date, sensorTag, tileLine } from "./format.js";
import { address, tileAddress } from "./api.js";
import { offered } from "./renderings.js";

/** Build the grid. `actions`: open, like, mark(id, "plus"|"minus"), hover(id|null), pictureFailed(). */
export function createGrid({ list, actions }) {
  const cells = new Map(); // id -> {node, image, ...}
  let order = [];
  let current = null; // id in the tab order

  const columns = () => {
    const [first] = list.children;
    return first ? Math.max(1, Math.round(list.clientWidth / first.offsetWidth)) : 1;
  };

  function moveTo(id, { focus = true } = {}) {
    if (!cells.has(id)) return;
    if (cells.has(current)) setStop(cells.get(current), false);
    current = id;
    setStop(cells.get(id), true);
    if (focus) cells.get(id).open.focus();
  }

  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !order.length) return;
    const at = order.indexOf(current);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const to = event.key === "Home" ? 0 : event.key === "End" ? order.length - 1 : at + (steps[event.key] ?? NaN);
    if (Number.isNaN(to)) return;
    event.preventDefault();
    if (order[to] !== undefined) moveTo(order[to]);
  });
  list.addEventListener("focusin", (event) => {
    const id = event.target.closest(".tile")?.dataset.id;
    if (!id) return;
    if (id !== current) moveTo(id, { focus: false });
    actions.hover(id);
  });
  list.addEventListener("focusout", () => actions.hover(null));
  list.addEventListener("pointerover", (event) => actions.hover(event.target.closest(".tile")?.dataset.id ?? null));
  list.addEventListener("pointerleave", () => actions.hover(null));

  function show({ hits, state, renderings, cited }) {
    const best = Math.max(...hits.map((hit) => hit.score ?? 0), 0.0001);
    const nodes = hits.map((hit) => {
      const cell = cells.get(hit.tile_id) ?? build(hit, actions);
      cells.set(hit.tile_id, cell);
      update(cell, { hit, state, renderings, best, cited: cited?.get(hit.tile_id) });
      return cell.node;
    });
    order = hits.map((hit) => hit.tile_id);
    const kept = new Set(order);
    for (const id of cells.keys()) if (!kept.has(id)) cells.delete(id);
    if (nodes.length !== list.children.length || nodes.some((node, i) => list.children[i] !== node)) {
      const focused = list.contains(document.activeElement) ? document.activeElement : null;
      fill(list, nodes);
      if (focused?.isConnected) focused.focus();
    }
    if (!cells.has(current)) current = null;
    if (!current && order.length) moveTo(order[0], { focus: false });
  }

  return {
    show,
    current: () => (list.contains(document.activeElement) ? current : null),
    focus: (id) => moveTo(cells.has(id) ? id : order[0]),
    highlight(id, { scroll = false } = {}) {
      for (const [other, { node }] of cells) node.classList.toggle("is-lit", other === id);
      if (scroll) cells.get(id)?.node.scrollIntoView({ block: "nearest", behavior: "smooth" });
    },
    flash: (id) => {
      const node = cells.get(id)?.node;
      node?.scrollIntoView({ block: "center", behavior: "smooth" });
      node?.classList.remove("is-flashing");
      requestAnimationFrame(() => node?.classList.add("is-flashing"));
    },
    neighbour: (id, step) => order[order.indexOf(id) + step] ?? null,
    skeletons: (number) => fill(list, Array.from({ length: number }, () => el("li", { class: "tile skeleton", "aria-hidden": "true" }, el("div", { class: "tile-open" })))), // prettier-ignore
  };
}

function setStop({ open, tools }, on) {
  for (const node of [open, ...tools]) node.tabIndex = on ? 0 : -1;
}

function build(hit, actions) {
  const id = hit.tile_id;
  const image = el("img", { alt: "", width: 128, height: 128, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => node.classList.add("is-broken"));
  image.addEventListener("load", () => node.classList.remove("is-broken"));
  const said = el("span", { class: "unseen" });
  const day = el("span", { class: "tile-day" });
  const tag = el("span", { class: "tile-sensor", "aria-hidden": "true" });
  const value = el("span", { class: "tile-score" });
  const bar = el("span", { class: "tile-bar", "aria-hidden": "true" });
  const citations = el("span", { class: "tile-cited", hidden: true });
  const open = el("button", { type: "button", class: "tile-open", tabindex: -1, on: { click: () => actions.open(id) } },
    said, el("span", { class: "tile-frame" }, image, citations, bar),
    el("span", { class: "tile-caption" }, tag, day, value)); // prettier-ignore
  const act = (name, label, work) =>
    button({ icon: name, label, class: `tile-tool tile-${name}`, tabindex: -1, on: { click: work } });
  const tools = [
    act("plus", "Right: more like it", () => actions.mark(id, "plus")),
    act("minus", "Wrong: less like it", () => actions.mark(id, "minus")),
    act("like", "More like this", () => actions.like(id)),
  ];
  const node = el("li", { class: "tile", data: { id } }, open, el("div", { class: "tile-tools" }, tools));
  return { node, open, said, image, day, tag, value, bar, tools, citations, source: "" };
}

function update(cell, { hit, state, renderings, best, cited }) {
  const { node, said, day, tag, value, bar, tools, citations } = cell;
  setPicture(cell, hit, state, renderings);
  day.textContent = date(hit.datetime);
  tag.textContent = sensorTag(hit.sensor);
  tag.title = hit.sensor ?? "";
  value.textContent = fit(hit);
  const share = hit.probability ?? Math.max(0, hit.score ?? 0) / best;
  bar.style.setProperty("--share", share.toFixed(3));
  const marks = { plus: state.plus.includes(hit.tile_id), minus: state.minus.includes(hit.tile_id) };
  for (const [name, on] of Object.entries(marks)) {
    node.classList.toggle(`is-${name}`, on);
    tools[name === "plus" ? 0 : 1].setAttribute("aria-pressed", String(on));
  }
  node.classList.toggle("is-unscored", hit.score == null && hit.probability == null);
  node.classList.toggle("is-open", state.open === hit.tile_id);
  citations.hidden = !cited;
  citations.textContent = cited ? cited.join(" ") : "";
  const marked = marks.plus ? ", marked right" : marks.minus ? ", marked wrong" : "";
  said.textContent = `${hit.rank ? `${hit.rank}. ` : ""}${tileLine(hit)}${marked}, `;
}

function setPicture(cell, hit, state, renderings) {
  const rendered = state.rendering && offered(renderings, hit.sensor).includes(state.rendering);
  const given = hit.preview ?? hit.links?.preview;
  const preview = given ? address(given) : tileAddress(hit.tile_id, "preview.webp", { index: state.index });
  const source = rendered ? tileAddress(hit.tile_id, "image.png", { rendering: state.rendering, size: 256, index: state.index }) : preview; // prettier-ignore
  if (cell.source === source) return;
  cell.source = source;
  cell.image.src = source;
}
