// Elements from values. Everything from the archive goes in as text: nothing here parses markup.

import { PATHS } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. `props`: class, text, on (event -> listener), data, hidden..., any other name as an attribute. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(node, name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function setProp(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "text") node.textContent = value;
  else if (name === "class") node.className = value;
  else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  else if (name === "data") Object.assign(node.dataset, value);
  else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** Return an icon that assistive technology skips. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of [PATHS[name]].flat()) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** Return a button with an icon; `label` is said, and shown as the tooltip where there is no `text`. */
export function button({ icon: name, label, text, class: kind = "quiet", ...props }) {
  const given = { type: "button", class: kind, ...props };
  if (!text) Object.assign(given, { "aria-label": label, title: given.title ?? label });
  return el("button", given, name ? icon(name) : null, text ? el("span", { text }) : null);
}

/** Replace what an element holds. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return a function that runs `work` once calls have stopped for `ms`. */
export function debounce(work, ms) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), ms);
  };
}

/** A button that opens a panel beneath it; Esc and a click elsewhere close it and give the focus back. */
export function menu(trigger, build, { align = "start", role = "dialog", label } = {}) {
  const panel = el("div", { class: `menu menu-${align}`, role, "aria-label": label });
  panel.hidden = true;
  const holder = el("div", { class: "menu-holder" }, trigger, panel);
  trigger.setAttribute("aria-haspopup", role === "menu" ? "menu" : "dialog");
  trigger.setAttribute("aria-expanded", "false");
  const outside = (event) => !holder.contains(event.target) && close(false);
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close(true);
  };
  function open() {
    fill(panel, build(close));
    panel.hidden = false;
    trigger.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside);
    holder.addEventListener("keydown", escape);
    keepInside(panel);
    panel.querySelector("input:not([type=hidden]), button, select, textarea, [tabindex]")?.focus();
  }
  function close(focus = true) {
    if (panel.hidden) return;
    panel.hidden = true;
    trigger.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside);
    holder.removeEventListener("keydown", escape);
    if (focus) trigger.focus();
  }
  trigger.addEventListener("click", () => (panel.hidden ? open() : close()));
  return holder;
}

function keepInside(panel) {
  panel.style.removeProperty("transform");
  const { left, right } = panel.getBoundingClientRect();
  const over = right > innerWidth - 8 ? innerWidth - 8 - right : left < 8 ? 8 - left : 0;
  if (over) panel.style.setProperty("transform", `translateX(${over}px)`);
}
