"""The answer panel as people use it, in a real browser, beside a model server that says what a test tells it to."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.integration.page_browser import CHROMIUM, DESK, PATIENCE_MS, PHONE, WEBGL, Visit, axe, launch, served, watch
from tests.integration.scripted_model import Act, ScriptedServer, Talk, answers, scripted_server

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")

HARBOURS = "Which harbours are there?"
NAME = "scripted-vl"

CLAIMS: list[dict[str, Any]] = [
    {"text": "A harbour with long quays lies at the coast.", "cites": [1], "confidence": 0.92},
    {"text": "It is seen again on another day.", "cites": [2, 3], "confidence": 0.71},
]
HOSTILE = '<img src=x onerror="window.hacked=1"> [look](http://evil.example) javascript:window.hacked=1'


GOOD = {"answerable": True, "claims": CLAIMS, "caveats": ["Ships come and go."]}


def held(reply: Any, goes_on: threading.Event) -> Act:
    """Say the first claim at once, and the rest when the test lets it."""

    def act(talk: Talk) -> None:
        text = json.dumps(reply)
        first = text.find("}") + 4  # a claim is complete once the next one begins
        talk.begin()
        talk.event(text[:first])
        while not goes_on.wait(0.05):
            talk.event(" ")
        talk.event(text[first:])
        talk.end()

    return act


@dataclass
class Teller:
    """The model's server, and what it says to the test at hand."""

    server: ScriptedServer
    goes_on: threading.Event = field(default_factory=threading.Event)

    def says(self, reply: Any) -> None:
        self.server.script = (held(reply, self.goes_on),)
        self.server.hung_up.clear()
        self.goes_on.set()

    def is_down(self) -> None:
        self.server.script = (answers(500, "the model is out of order"),)


@pytest.fixture(scope="module")
def teller() -> Iterator[Teller]:
    with scripted_server(models=(NAME,)) as server:
        yield Teller(server=server)


@pytest.fixture(scope="module")
def addresses(demo_folder: Path, teller: Teller) -> Iterator[dict[str, str]]:
    """A server with a model and one without."""
    index = demo_folder / "demo-archive" / "index"
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SWATH_ANSWER_RETRIES", "0")
        plain = stack.enter_context(served(index))
        environment.setenv("SWATH_ANSWER_URL", teller.server.url)
        yield {"records": plain, "model": stack.enter_context(served(index))}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = launch(playwright, *(WEBGL if os.environ.get("SWATH_PICTURES") else ["--disable-3d-apis"]))
        yield found
        found.close()


Visitor = Callable[..., Visit]


@pytest.fixture
def visitor(browser: Browser, addresses: dict[str, str], teller: Teller) -> Iterator[Visitor]:
    """Make visits; afterwards nothing may have been complained about."""
    visits: list[Visit] = []
    teller.says(GOOD)

    def visit(written_by: str = "model", **options: Any) -> Visit:
        context = browser.new_context(**({"viewport": DESK, "reduced_motion": "reduce"} | options))
        context.set_default_timeout(PATIENCE_MS)
        made = Visit(page=context.new_page(), address=addresses[written_by])
        watch(made)
        visits.append(made)
        made.open()
        made.page.wait_for_selector(".is-welcome")
        return made

    yield visit
    teller.goes_on.set()
    for made in visits:
        made.page.context.close()
    assert [text for made in visits for text in made.unexpected()] == []


def ask(page: Page, question: str = HARBOURS) -> None:
    page.fill("#text", question)
    page.locator("#ask").click()


def answered(page: Page, question: str = HARBOURS) -> None:
    """Ask and wait for the whole answer."""
    ask(page, question)
    expect(page.locator(".written-by")).to_be_visible(timeout=PATIENCE_MS)


def test_claims_come_one_by_one_beside_their_evidence(visitor: Visitor, teller: Teller) -> None:
    page = visitor().page
    teller.goes_on.clear()
    ask(page)
    expect(page.locator(".claim")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.locator(".claim")).to_contain_text("A harbour with long quays lies at the coast. [1]")
    expect(page.locator(".exchange")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("status").filter(has_text="…")).to_be_visible()
    assert page.locator(".piece").count() >= 3
    assert page.locator(".plan-chip").count() >= 2
    teller.goes_on.set()
    expect(page.locator(".claim")).to_have_count(2)
    expect(page.locator(".claim").nth(1)).to_contain_text("71 %")
    expect(page.locator(".caveats")).to_contain_text("Ships come and go.")
    expect(page.locator(".written-by")).to_have_text(
        f"Written by {NAME}, then checked: every statement cites what is shown here."
    )
    expect(page.locator(".exchange")).to_have_attribute("aria-busy", "false")


def test_citations_light_up_their_tiles_and_open_them(visitor: Visitor) -> None:
    visit = visitor()
    page = visit.page
    visit.search("a harbour with ships")
    answered(page)
    mark = page.locator(".claim .citation").first
    mark.hover()
    cited = page.locator(".piece.is-lit")
    expect(cited.locator(".piece-number")).to_have_text("1")
    tile = page.locator(f".tile[data-id='{cited.get_attribute('data-id')}']")
    expect(tile).to_have_class(re.compile("is-lit"))
    expect(tile.locator(".tile-cited")).to_have_text("[1]")
    tile_id = cited.get_attribute("data-id")
    mark.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawer")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["tile"] == [tile_id]


def test_without_a_model_records_answer_and_the_page_says_so(visitor: Visitor) -> None:
    page = visitor("records").page
    page.locator("#ask").click()
    expect(page.locator(".answer")).to_contain_text("No answer model is set up on this server")
    page.get_by_label("Your question").fill(HARBOURS)
    page.keyboard.press("Enter")
    expect(page.locator(".written-by")).to_contain_text("Written from records alone")
    assert page.locator(".claim").count() > 0
    assert all(
        page.locator(".claim").nth(n).locator(".citation").count() for n in range(page.locator(".claim").count())
    )


def test_a_model_that_is_down_is_said_and_records_answer(visitor: Visitor, teller: Teller) -> None:
    page = visitor().page
    teller.is_down()
    answered(page)
    expect(page.locator(".written-by")).to_contain_text("Written from records, without")
    expect(page.locator(".caveats")).to_contain_text("no usable answer")
    assert page.locator(".claim .citation").count() > 0


def test_a_plan_is_changed_and_asked_again(visitor: Visitor, teller: Teller) -> None:
    page = visitor().page
    answered(page)
    page.locator(".plan-change").click()
    form = page.get_by_role("form", name="Change how the question is read")
    form.get_by_label("Looks for").fill("an airport with runways")
    form.get_by_role("checkbox", name="Sentinel-2 L2A").check()
    form.get_by_role("button", name="A period").click()
    form.get_by_label("From").fill("2021-07-01")
    form.get_by_role("textbox", name="Where").fill("somewhere else")
    form.get_by_role("button", name="Ask again like this").click()
    expect(form.get_by_role("alert")).to_contain_text("is no place that can be looked up here")
    form.get_by_role("textbox", name="Where").fill("")
    with page.expect_request("**/v1/ask") as sent:
        form.get_by_role("button", name="Ask again like this").click()
    plan = json.loads(sent.value.post_data or "{}")["plan"]
    assert (plan["sought"], plan["sensors"]) == (["an airport with runways"], ["sentinel-2-l2a"])
    assert (plan["periods"], plan["made_by"]) == (["2021-07-01T00:00:00Z/.."], "user")
    expect(page.locator(".written-by")).to_be_visible()
    expect(page.locator(".plan")).to_contain_text("since 2021-07-01")
    lines = page.locator(".piece-line:first-of-type, .piece-frame + .piece-line").all_inner_texts()
    assert lines
    assert all(line.startswith("S2 2021-") and line[3:] >= "2021-07-01" for line in lines)
    expect(page.locator(".turn")).to_have_count(0)


def test_a_follow_up_goes_on_from_what_was_answered(visitor: Visitor) -> None:
    page = visitor().page
    answered(page)
    page.get_by_label("A question that follows").fill("only Sentinel-1")
    with page.expect_request("**/v1/ask") as sent:
        page.keyboard.press("Enter")
    (turn,) = json.loads(sent.value.post_data or "{}")["turns"]
    assert turn["question"] == HARBOURS
    assert [claim["cites"] for claim in turn["claims"]] == [[1], [2, 3]]
    assert len(turn["tile_ids"]) >= 3
    expect(page.locator(".turn > summary")).to_have_text(HARBOURS)
    expect(page.locator(".answer h2")).to_have_text("only Sentinel-1")
    expect(page.locator(".written-by")).to_be_visible()
    page.locator(".turn > summary").click()
    expect(page.locator(".turn .claim")).to_have_count(2)


def test_an_answer_can_be_stopped(visitor: Visitor, teller: Teller) -> None:
    page = visitor().page
    teller.goes_on.clear()
    ask(page)
    expect(page.locator(".claim")).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer-status")).to_have_text("Stopped before the answer was complete.")
    assert teller.server.hung_up.wait(10), "the model's server was not told"
    teller.goes_on.set()
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator(".claim")).to_have_count(2, timeout=PATIENCE_MS)


def test_no_answer_says_why_and_what_would_help(visitor: Visitor, teller: Teller) -> None:
    page = visitor().page
    teller.says({"answerable": False, "claims": [], "caveats": ["No harbour is in the pictures."]})
    answered(page, "Which harbours were there in July 2021?")
    expect(page.locator(".abstained")).to_contain_text("No answer from this archive")
    expect(page.locator(".claim")).to_have_count(0)
    expect(page.locator(".abstained").get_by_role("button").last).to_have_text("Change the question’s reading")
    expect(page.locator(".caveats")).to_contain_text("No harbour is in the pictures.")


def test_what_is_read_stays_open_when_the_whole_answer_comes(visitor: Visitor, teller: Teller) -> None:
    page = visitor().page
    teller.goes_on.clear()
    ask(page)
    expect(page.locator(".claim")).to_have_count(1, timeout=PATIENCE_MS)
    page.locator(".plan-change").click()
    form = page.get_by_role("form", name="Change how the question is read")
    form.get_by_label("Looks for").fill("an airport")
    page.locator(".piece").first.evaluate("node => { node.dataset.seen = 'before' }")
    teller.goes_on.set()
    expect(page.locator(".written-by")).to_be_visible()
    expect(form.get_by_label("Looks for")).to_have_value("an airport")
    expect(page.locator(".piece").first).to_have_attribute("data-seen", "before")


def test_a_new_question_takes_the_marks_of_the_last_away(visitor: Visitor) -> None:
    visit = visitor()
    page = visit.page
    visit.search("a harbour with ships")
    answered(page)
    expect(page.locator(".tile-cited:visible").first).to_be_visible()
    page.fill("#text", "")
    page.locator("#ask").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    expect(page.locator(".tile-cited:visible")).to_have_count(0)
    page.locator("#brand").click()
    expect(page.locator(".answer")).to_have_count(0)
    expect(page.locator(".is-welcome")).to_be_visible()


def test_a_sensor_that_is_not_there_is_shown_and_can_be_let_go(visitor: Visitor) -> None:
    page = visitor().page
    answered(page, "Which harbours does Landsat show?")
    expect(page.locator(".plan-chip.is-unknown")).to_have_text(re.compile(r"Landsat \(not in this archive\)"))
    page.get_by_role("button", name="Change the question’s reading").click()
    form = page.get_by_role("form", name="Change how the question is read")
    form.get_by_role("textbox", name="Where").fill("-17.5,")
    form.get_by_role("button", name="Ask again like this").click()
    expect(form.get_by_role("alert")).to_contain_text("is no place that can be looked up here")
    form.get_by_role("textbox", name="Where").fill("-17.5, 179.95")
    with page.expect_request("**/v1/ask") as sent:
        form.get_by_role("button", name="Ask again like this").click()
    plan = json.loads(sent.value.post_data or "{}")["plan"]
    assert plan["missing_sensors"] == []
    assert plan["place"]["geometry"]["type"] == "MultiPolygon"  # on both sides of the antimeridian
    expect(page.locator(".abstained")).to_contain_text("No tile passes the filters")
    page.get_by_role("button", name="Ask everywhere").click()
    expect(page.locator(".claim")).to_have_count(2, timeout=PATIENCE_MS)


def test_words_that_were_not_sent_yet_stay_while_the_page_changes(visitor: Visitor) -> None:
    page = visitor("records").page
    page.fill("#text", HARBOURS)
    page.get_by_role("checkbox", name="Sentinel-2 L2A").check()
    expect(page.get_by_role("list", name="Filters in use")).to_contain_text("Sentinel-2 L2A")
    expect(page.locator("#text")).to_have_value(HARBOURS)


def test_what_a_model_writes_stays_text_also_when_it_is_copied(visitor: Visitor, teller: Teller) -> None:
    page = visitor(permissions=["clipboard-read", "clipboard-write"]).page
    claims = [{"text": HOSTILE, "cites": [1]}, {"text": "Uncited.", "cites": [99]}]
    teller.says({"answerable": True, "claims": claims, "caveats": []})
    answered(page)
    assert page.locator(".answer .claims a, .claims img").count() == 0
    assert page.evaluate("window.hacked") is None
    page.locator(".dropped-folded summary").click()
    expect(page.locator(".dropped-folded")).to_contain_text("Uncited.")
    page.get_by_role("button", name="Copy the answer as Markdown").click()
    expect(page.locator(".toast")).to_have_text("Copied as Markdown.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert r"\[1\]" in copied
    assert not re.search(r"(?<!\\)\[look(?<!\\)\]|(?<!\\)<img", copied)
    plain = page.evaluate("import('./static/js/answer_markdown.js').then(({ plain }) => plain('see www.evil.example'))")
    assert plain == r"see www\.evil.example"


def test_the_panel_is_accessible_on_a_phone_in_the_dark(visitor: Visitor) -> None:
    visit = visitor(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark")
    page = visit.page
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".facts-folded summary").click()
    assert axe(page) == []
    page.locator(".plan-change").click()
    assert axe(page) == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ask-light", {}),
        ("ask-dark", {"color_scheme": "dark"}),
        ("ask-phone", {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}),
    ],
)
@pytest.mark.skipif("SWATH_PICTURES" not in os.environ, reason="renews pictures of the guide: set SWATH_PICTURES")
def test_pictures_of_the_panel(visitor: Visitor, name: str, options: dict[str, Any]) -> None:
    page = visitor(**options).page
    answered(page)
    page.wait_for_timeout(4000)
    page.screenshot(path=Path(os.environ["SWATH_PICTURES"]) / f"{name}.png")
