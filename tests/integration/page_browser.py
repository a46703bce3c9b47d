"""A served demo index and a browser that notes whatever a visitor's browser would complain about."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

from tests.integration.real import ROOT

CHROMIUM = Path("/usr/bin/chromium")
AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""Draws the map without a graphics card."""

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

PATIENCE_MS = 60_000
"""Software rendering on a shared core is slow; what has to be fast is measured on its own."""

WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@contextmanager
def served(index: Path, *options: str) -> Iterator[str]:
    """Serve an index in a process of its own; yields the address of the page."""
    command = [sys.executable, "-m", "swath", "serve", "--index", str(index), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://[\w.:]+", said)
            assert found, f"the server said {said!r} and no address"
            yield found[0].rstrip("/")
        finally:
            process.terminate()


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """Start the browser."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])


@dataclass
class Visit:
    """A page and what its browser complained about."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    expected: str = ""
    """Pattern of complaints that a test provokes."""

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.address + path)
        return self.page

    def search(self, words: str) -> None:
        """Type a sentence and wait for its tiles."""
        self.page.fill("#text", words)
        self.page.keyboard.press("Enter")
        self.settled()

    def settled(self) -> None:
        """Wait until the search that is under way has been answered."""
        self.page.wait_for_selector("body[data-status=done]")

    def tiles(self) -> list[str]:
        """Return the ids in the grid."""
        ids: list[str] = self.page.eval_on_selector_all(".grid .tile", "nodes => nodes.map((node) => node.dataset.id)")
        return ids

    def until(self, expression: str, argument: object = None) -> None:
        """Wait until an expression, or a function of the argument, is true.

        Playwright's own waiting evaluates text inside the page, which the page's policy forbids.
        """
        patience = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(expression, argument):
            assert time.monotonic() < patience, f"never became true: {expression}"
            self.page.wait_for_timeout(20)

    def waits_for(self, tile_id: str, *, gone: bool = False) -> None:
        """Wait until the grid shows a tile, or no longer does."""
        shown = "[...document.querySelectorAll('.grid .tile')].map((tile) => tile.dataset.id)"
        test = f"([id, gone]) => {{ const ids = {shown}; return ids.length && ids.includes(id) !== gone; }}"
        self.until(test, [tile_id, gone])

    def map_ready(self) -> None:
        self.page.wait_for_selector("#map [data-ready]", state="attached")

    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not (self.expected and re.search(self.expected, text))]


def watch(visit: Visit) -> None:
    """Note errors of scripts, of the console and of the policy."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(f"{message.text} {message.location.get('url', '')}")

    visit.page.on("console", note)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.add_init_script(WATCH_POLICY)


def axe(page: Page) -> list[str]:
    """Return the serious findings of axe-core."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{entry['id']}: {node['html'][:160]}"
        for entry in found["violations"]
        if entry["impact"] in {"serious", "critical"}
        for node in entry["nodes"]
    ]
