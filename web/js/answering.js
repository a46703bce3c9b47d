// Questions to the archive: a dialogue, each answer as it comes, with citations that light up tiles.

import { button, el, fill } from "./dom.js";
import { ask, isAbort, stop } from "./api.js";
import { abstention, caveatList, claimItem, droppedList, evidenceStrip, factList, grow, passageList, traceList, writtenBy } from "./answer_parts.js"; // prettier-ignore
import { markdown } from "./answer_markdown.js";
import { planChips, planForm } from "./answer_plan.js";
import { count, plural } from "./format.js";
import { filterFields } from "./request.js";

const MOST_TURNS = 20; // what the server takes
const EXAMPLES = ["Which harbours are there?", "How many tiles show flooded farmland, and when?", "What do you have of 2021 without clouds?"]; // prettier-ignore

/**
 * Build the panel. `light(id|null)` lights a tile, `go(id)` opens it, `cite(Map id -> marks | null, tiles)` marks the
 * grid and the map; `about()` returns {answers, sensors} of the index; `toast(text)` says something in passing.
 */
export function createAnswer({ holder, store, light, go, cite, about, toast }) {
  let thread = []; // exchanges, oldest first
  let busy = null; // the exchange that is being answered

  function close() {
    stop("ask");
    thread = [];
    busy = null;
    holder.replaceChildren();
    cite(null, []);
  }

  /** Ask something new, or open the form where nothing is asked yet. */
  function run(question) {
    close();
    if (question) send(question);
    else open();
  }

  function open() {
    const { answers } = about();
    const input = el("input", { class: "field", type: "text", maxlength: 2000, "aria-label": "Your question", placeholder: `e.g. ${EXAMPLES[0]}` }); // prettier-ignore
    const form = asking(input, "Ask", run);
    const who = answers?.model ? `Written by ${answers.model} from the tiles that are found, then checked: what cites nothing is left out.` : "No answer model is set up on this server: answers are written from records alone."; // prettier-ignore
    const examples = el("ul", { class: "examples" }, EXAMPLES.map((text) => el("li", {}, button({ text, class: "outline example", on: { click: () => run(text) } })))); // prettier-ignore
    fill(holder, el("section", { class: "answer", "aria-label": "Answer" }, head("Ask about the archive", []), form, el("p", { class: "muted small", text: who }), examples)); // prettier-ignore
    input.focus();
  }

  function asking(input, text, work) {
    const form = el("form", { class: "answer-form" }, input, button({ text, class: "solid", type: "submit" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const question = input.value.trim();
      if (question) work(question);
      else input.focus();
    });
    return form;
  }

  const head = (title, tools) => el("div", { class: "answer-head" }, el("h2", { text: title, tabindex: -1 }), tools, button({ icon: "close", label: "Close the answer", on: { click: close } })); // prettier-ignore

  /** Ask; `plan` is an edited one. What was answered before goes along. */
  async function send(question, plan = null) {
    const turns = thread.filter(({ answer }) => answer).slice(-MOST_TURNS).map(turnOf); // prettier-ignore
    const exchange = createExchange(question);
    thread = [...thread, exchange];
    busy = exchange;
    show();
    const body = { question, ...(plan ? { plan } : {}), ...(turns.length ? { turns } : {}), explain: true };
    try {
      for await (const { event, data } of ask({ ...body, ...filterFields(store.get()) })) {
        if (!thread.includes(exchange)) return;
        exchange.take(event, data);
      }
      exchange.end(exchange.answer || exchange.failed ? "" : "The connection was closed before the answer was complete.");
    } catch (error) {
      exchange.end(isAbort(error) ? "" : error.message, isAbort(error));
    }
    if (busy === exchange) busy = null;
    exchange.show();
  }

  /** Ask the last question once more, with what came before it. */
  function again(plan = null) {
    const last = thread.at(-1);
    thread = thread.slice(0, -1);
    send(last.question, plan);
  }

  function show() {
    const earlier = thread.slice(0, -1).map((exchange) => exchange.folded());
    const last = thread.at(-1);
    fill(holder, el("section", { class: "answer", "aria-label": "Answer" }, earlier.length ? el("div", { class: "thread" }, earlier) : null, last.node)); // prettier-ignore
    last.show();
    holder.parentElement.scrollTop = 0;
  }

  function createExchange(question) {
    const parts = { plan: el("div"), status: el("p", { class: "answer-status", role: "status" }), claims: el("ol", { class: "claims", "aria-live": "polite", "aria-label": "Claims" }), rest: el("div", { class: "answer-rest" }), evidence: el("div", { class: "answer-evidence" }), foot: el("div", { class: "answer-foot" }), tools: el("div", { class: "answer-tools" }) }; // prettier-ignore
    const numbered = new Map(); // number -> {tile} or {passage}
    let turn = null; // the exchange once it is folded
    const shown = { plan: null, claims: [], evidence: null, steps: [], problem: "", stopped: false, text: "Reading the question\u2026" }; // prettier-ignore
    const at = {
      known: (number) => numbered.get(number) ?? {},
      light(number) {
        const id = numbered.get(number)?.tile?.tile_id ?? null;
        for (const node of parts.evidence.querySelectorAll("[data-number]")) node.classList.toggle("is-lit", Number(node.dataset.number) === number); // prettier-ignore
        light(id);
      },
      go(number) {
        const { tile, passage } = numbered.get(number) ?? {};
        if (tile) return go(tile.tile_id);
        const node = passage && (turn ?? exchange.node).querySelector(`.passage[data-number="${number}"]`);
        if (!node) return;
        node.open = true;
        node.scrollIntoView({ block: "nearest" });
      },
    };
    const on = {
      step(data) {
        shown.steps.push(data);
        shown.text = NEXT[data.name] ?? shown.text;
      },
      plan: takePlan,
      evidence: takeEvidence,
      claim: (data) => shown.claims.push(data),
      answer(data) {
        exchange.answer = data;
        takePlan(data.plan);
        shown.claims = data.claims;
        takeEvidence(data.evidence);
      },
      error(data) {
        exchange.failed = true;
        shown.problem = data?.error?.message ?? data?.message ?? "The server could not answer.";
      },
    };
    // The answer tells plan and evidence once more; what is the same stays as it is, with its focus and open forms.
    function takePlan(data) {
      if (!same(data, shown.plan)) shown.plan = data;
    }
    function takeEvidence(data) {
      if (same(data, shown.evidence)) return;
      shown.evidence = data;
      numbered.clear();
      for (const tile of data.tiles) numbered.set(tile.number, { tile });
      for (const passage of data.passages) numbered.set(passage.number, { passage });
      if (thread.at(-1) === exchange) cite(new Map(data.tiles.map(({ tile_id: id, number }) => [id, [`[${number}]`]])), data.tiles);
    }

    const exchange = {
      question,
      answer: null,
      failed: false,
      node: el("div", { class: "exchange" }),
      take(event, data) {
        on[event]?.(data);
        exchange.show();
      },
      end(problem, stopped = false) {
        if (!exchange.answer) Object.assign(shown, { problem: problem || shown.problem, stopped });
      },
      show: showExchange,
      folded,
    };
    fill(exchange.node, head(question, parts.tools), parts.plan, parts.evidence, parts.status, parts.rest, parts.claims, parts.foot);

    function showExchange() {
      const working = busy === exchange && !exchange.answer;
      exchange.node.classList.toggle("is-working", working);
      exchange.node.setAttribute("aria-busy", String(working));
      showPlan();
      showStatus(working);
      grow(parts.claims, shown.claims, (claim) => claimItem(claim, at));
      showRest();
      showEvidence();
      showFoot(working);
    }

    function showPlan() {
      if (!shown.plan || showPlan.of === shown.plan) return;
      showPlan.of = shown.plan;
      fill(parts.plan, planChips(shown.plan, editPlan));
    }

    function editPlan(key) {
      const form = planForm(shown.plan, { sensors: about().sensors, focus: key, submit: again, cancel: () => ((showPlan.of = null), showPlan(), parts.plan.querySelector(".plan-change")?.focus()) }); // prettier-ignore
      fill(parts.plan, form);
      form.focusPart();
    }

    function showStatus(working) {
      const text = working ? shown.text : shown.stopped ? "Stopped before the answer was complete." : "";
      if (parts.status.textContent !== text) parts.status.textContent = text;
      const tools = working ? "stop" : exchange.answer ? "copy" : "again";
      if (showStatus.tools === tools) return;
      showStatus.tools = tools;
      const made = {
        stop: () => button({ text: "Stop", class: "outline", on: { click: () => stop("ask") } }),
        copy: () => button({ icon: "copy", label: "Copy the answer as Markdown", on: { click: copy } }),
        again: () => button({ text: "Ask again", class: "outline", on: { click: () => again() } }),
      };
      fill(parts.tools, made[tools]());
    }

    function showRest() {
      const { answer } = exchange;
      const key = shown.problem + Boolean(answer);
      if (showRest.key === key) return;
      showRest.key = key;
      fill(parts.rest,
        shown.problem && el("p", { class: "answer-problem", role: "alert", text: shown.problem }),
        answer?.abstained && abstention(answer, { again, edit: () => editPlan("sought") })); // prettier-ignore
    }

    function showEvidence() {
      const { evidence } = shown;
      if (!evidence || showEvidence.of === evidence) return;
      showEvidence.of = evidence;
      const { index } = store.get();
      const title = evidence.matched > evidence.tiles.length ? `Evidence: ${evidence.tiles.length} of ${count(evidence.matched)} tiles that pass the filters` : `Evidence: ${plural(evidence.tiles.length, "tile")}`; // prettier-ignore
      fill(parts.evidence,
        evidence.tiles.length ? [el("h3", { text: title }), evidenceStrip(evidence.tiles, { index, ...at })] : null,
        evidence.passages.length ? passageList(evidence.passages) : null); // prettier-ignore
    }

    function showFoot(working) {
      const { answer } = exchange;
      if (!answer || working || showFoot.of === answer) return;
      showFoot.of = answer;
      const input = el("input", { class: "field", type: "text", maxlength: 2000, "aria-label": "A question that follows", placeholder: "Ask on, e.g. and before 2015?" }); // prettier-ignore
      fill(parts.foot,
        answer.caveats.length ? caveatList(answer.caveats) : null,
        answer.evidence.facts.length ? factList(answer.evidence.facts, at) : null,
        answer.dropped.length ? droppedList(answer.dropped) : null,
        answer.trace?.length ? traceList(answer.trace) : null,
        el("p", { class: "written-by muted small", text: writtenBy(answer) }),
        asking(input, "Ask on", (next) => send(next))); // prettier-ignore
    }

    async function copy() {
      const link = (id) => new URL(`./?${new URLSearchParams({ ...(store.get().index ? { index: store.get().index } : {}), tile: id })}`, document.baseURI).href; // prettier-ignore
      try {
        await navigator.clipboard.writeText(markdown(exchange.answer, link));
        toast("Copied as Markdown.");
      } catch {
        toast("This browser does not let the page copy.");
      }
    }

    /** An earlier exchange: its question, and beneath it what was answered and the texts that were cited. */
    function folded() {
      const { answer } = exchange;
      const items = shown.claims.map((claim) => claimItem(claim, at));
      const none = answer?.abstained ?? (items.length ? null : "Not answered.");
      const texts = answer?.evidence.passages ?? [];
      turn = el("details", { class: "turn" }, el("summary", { text: question }), none && el("p", { text: none }), items.length ? el("ol", { class: "claims" }, items) : null, texts.length ? passageList(texts) : null); // prettier-ignore
      return turn;
    }
    return exchange;
  }

  return { run, close };
}

const NEXT = { plan: "Looking for tiles that can tell\u2026", retrieve: "Choosing tiles that differ in place and time\u2026", diversify: "Looking for texts about the place\u2026", knowledge: "Drawing the tiles\u2026", draw: "Reading the tiles\u2026", model: "Checking what was written\u2026", repair: "Checking what was written\u2026", validate: "Checking what was written\u2026" }; // prettier-ignore

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

const turnOf = ({ answer }) => ({
  question: answer.question,
  plan: answer.plan,
  tile_ids: answer.evidence.tiles.map(({ tile_id: id }) => id),
  passage_ids: answer.evidence.passages.map(({ passage_id: id }) => id),
  claims: answer.claims,
});
