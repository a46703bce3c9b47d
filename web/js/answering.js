// A question to the archive, and the answer as it comes, with citations that light up tiles.

import { button, el, fill } from "./dom.js";
import { ask, isAbort, stop } from "./api.js";
import { filterFields } from "./request.js";

const NONE = "No question-answering model is set up on this server. The search works without one.";

/** Build the panel. `light(id|null)` lights a tile, `go(id)` shows it, `cite(Map id -> numbers, records)` marks the grid. */
export function createAnswer({ holder, store, light, go, cite }) {
  let evidence = new Map(); // number -> tile id

  function close() {
    stop("ask");
    holder.replaceChildren();
    cite(null, []);
  }

  async function run(question) {
    if (!question) return open();
    const status = el("p", { class: "answer-status muted", role: "status", text: "Looking for tiles that can tell\u2026" });
    const text = el("div", { class: "answer-text", "aria-live": "polite" });
    const claims = el("ul", { class: "answer-claims" });
    fill(holder, frame(question, status, text, claims));
    evidence = new Map();
    let written = "";
    const on = {
      step: (data) => (status.textContent = textOf(data)),
      evidence(data) {
        const found = Array.isArray(data) ? data : (data.tiles ?? data.evidence ?? data.hits ?? [data]);
        for (const entry of found) addEvidence(entry);
        cite(numbers(), found.filter((entry) => entry.bbox || entry.footprint));
      },
      token(data) {
        written += textOf(data);
        fill(text, paragraphs(written));
      },
      claim: (data) => claims.append(el("li", {}, withCitations(claimText(data)))),
      done(data) {
        status.textContent = data?.abstained ? "The tiles do not show enough to answer." : "";
        if (!written && data?.answer) fill(text, paragraphs(textOf(data.answer)));
      },
      error: (data) => failed(status, textOf(data)),
    };
    try {
      for await (const { event, data } of ask({ question, ...filterFields(store.get()) })) on[event]?.(data);
      if (!written && !claims.children.length && status.textContent.startsWith("Looking")) failed(status, "The server sent no answer."); // prettier-ignore
    } catch (error) {
      if (!isAbort(error)) failed(status, error.status === 404 || error.status === 405 || error.status === 501 ? NONE : error.message);
    }
  }

  function addEvidence(entry) {
    const id = entry.tile_id ?? entry.id;
    if (id) evidence.set(Number(entry.n ?? entry.number ?? entry.rank ?? evidence.size + 1), id);
  }

  function numbers() {
    const found = new Map();
    for (const [number, id] of evidence) found.set(id, [...(found.get(id) ?? []), `[${number}]`]);
    return found;
  }

  function frame(question, ...parts) {
    return el("section", { class: "answer", "aria-label": "Answer" },
      el("div", { class: "answer-head" }, el("h2", { text: question }), button({ icon: "close", label: "Close the answer", on: { click: close } })),
      parts); // prettier-ignore
  }

  function open() {
    const input = el("input", { class: "field", type: "text", maxlength: 2000, "aria-label": "Your question", placeholder: "e.g. Which harbours grew between April and October?" }); // prettier-ignore
    const form = el("form", { class: "answer-form" }, input, button({ text: "Ask", class: "solid", type: "submit" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run(input.value.trim());
    });
    fill(holder, frame("Ask about the archive", form));
    input.focus();
  }

  const paragraphs = (written) => written.split(/\n{2,}/).map((part) => el("p", {}, withCitations(part)));

  /** Return text in which each [n] is a button for its tile. */
  function withCitations(written) {
    return written.split(/(\[\d+\])/).map((part) => {
      const id = evidence.get(Number(/^\[(\d+)\]$/.exec(part)?.[1]));
      if (!id) return part;
      return el("button", { type: "button", class: "citation", text: part, "aria-label": `Source ${part.slice(1, -1)}`, on: {
        click: () => go(id),
        pointerenter: () => light(id),
        pointerleave: () => light(null),
        focus: () => light(id),
        blur: () => light(null),
      } }); // prettier-ignore
    });
  }

  return { run, close };
}

const textOf = (data) => (typeof data === "string" ? data : (data?.text ?? data?.message ?? data?.token ?? data?.title ?? ""));

function claimText(data) {
  const cited = data.citations ?? data.evidence ?? [];
  const given = textOf(data);
  return /\[\d+\]/.test(given) ? given : `${given} ${cited.map((number) => `[${number}]`).join("")}`;
}

function failed(status, text) {
  status.classList.remove("muted");
  status.textContent = text;
}
