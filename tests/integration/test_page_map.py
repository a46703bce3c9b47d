"""The map and the timeline of the page, driven in Chromium by pointer, touch and keyboard under the page's policy."""

from __future__ import annotations

import gzip
import http.server
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

WEB = Path(__file__).parents[2] / "web"
CHROMIUM = os.environ.get("SWATH_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; form-action 'none'; base-uri 'none'"
)
"""As api/_page.py sends it: nothing inline, nothing from elsewhere."""
MOST_BYTES = 1_800_000
"""Gzipped, vendored code and basemap together."""
PATIENCE_MS = 30_000
"""WebGL is drawn by the processor here, which other work may be using."""

DOCUMENT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Map</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css"><body><div id="map"></div><div id="timeline"></div>
<script type="module" src="/page.js"></script></body></html>"""
SHEET = "body{margin:0;display:flex;flex-direction:column;height:100vh}#map{flex:1;min-height:0}"
SCRIPT = """
import { createTimeline } from "/static/js/timeline.js";
window.log = [];
const noted = (name) => (...values) => window.log.push([name, ...values]);
const host = document.querySelector("#map");
host.addEventListener("map-problem", ({ detail }) => window.log.push(["problem", detail]));
const callbacks = { onHover: noted("hover"), onSelect: noted("select"), onPoint: noted("point"), onArea: noted("area"),
  onMoveEnd: noted("move") };
try {
  const { createMap } = await import("/static/js/map.js");
  window.map = createMap(host, callbacks);
} catch (error) {
  window.refusal = error.message;
  const { createMap } = await import("/static/js/map_plain.js");
  window.map = createMap(host, callbacks);
}
window.timeline = createTimeline(document.querySelector("#timeline"), { onChange: noted("time") });
window.ready = true;
"""


class _Files(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, folder: Path, **more: Any) -> None:
        self._folder = folder
        kinds = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".html": "text/html"}
        self.extensions_map = kinds | {".png": "image/png", "": "application/octet-stream"}
        super().__init__(*args, **more)

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0]
        place = WEB / name.removeprefix("/static/") if name.startswith("/static/") else self._folder / name.lstrip("/")
        return str(place)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page")
    for name, content in {"index.html": DOCUMENT, "page.css": SHEET, "page.js": SCRIPT}.items():
        (folder / name).write_text(content, encoding="utf-8")
    Image.fromarray(np.full((32, 32, 3), (40, 160, 90), np.uint8)).save(folder / "preview.png")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, folder=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def opened(browser: Any, address: str) -> Iterator[Any]:
    """One page with a map, used by all tests: starting WebGL without a graphics card takes seconds."""
    page = browser.new_page(viewport={"width": 640, "height": 520}, has_touch=True, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE_MS)
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(address)
    page.wait_for_selector("[data-ready=true]")
    yield page
    page.close()


@pytest.fixture
def page(opened: Any) -> Iterator[Any]:
    opened.mouse.move(1, 519)
    opened.evaluate("() => { map.cancelDrawing(); map.setArea(null); map.setHits([]); map.select(null); }")
    opened.evaluate("() => { map.setTheme('light'); timeline.setRange(null, null); return map.setHexagons([]); }")
    _look(opened, 8.5, 47.4, 11)
    opened.evaluate("window.log.length = 0")
    yield opened
    assert opened.complaints == []


def _look(page: Any, lon: float, lat: float, zoom: float) -> None:
    page.evaluate("([x, y, zoom]) => { map.maplibre.jumpTo({ center: [x, y], zoom }); }", [lon, lat, zoom])
    _settle(page)


def _settle(page: Any) -> None:
    page.wait_for_function("() => map.maplibre.loaded() && !map.maplibre.isMoving()")


def _pixel(page: Any, lon: float, lat: float) -> tuple[float, float]:
    x, y = page.evaluate("(at) => { const p = map.maplibre.project(at); return [p.x, p.y]; }", [lon, lat])
    return x, y


def _said(page: Any, name: str) -> list[Any]:
    return [entry[1:] for entry in page.evaluate("window.log") if entry[0] == name]


def _wait_for(page: Any, name: str) -> Any:
    page.wait_for_function("(name) => window.log.some((entry) => entry[0] === name)", arg=name)
    return _said(page, name)[-1]


def _type(page: Any, text: str) -> None:
    if page.locator("#map-panel-coordinates").is_hidden():
        page.click(".map-panel-type")
    page.fill("#map-panel-coordinates", text)
    page.press("#map-panel-coordinates", "Enter")


def _hit(name: str, lon: float, lat: float, score: float, size: float = 0.06) -> dict[str, Any]:
    west, east, south, north = lon - size / 2, lon + size / 2, lat - size / 2, lat + size / 2
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "tile_id": name,
        "score": score,
        "centroid": [lon, lat],
        "bbox": [west, south, east, north],
        "footprint": {"type": "Polygon", "coordinates": [ring]},
        "label": "<b>port</b>",
        "links": {"preview": "/preview.png"},
    }


PAIR = [_hit("near", 8.5, 47.4, 0.3), _hit("far", 8.6, 47.4, 0.2)]


def test_pointing_at_a_footprint_reports_it_and_shows_its_metadata_as_text(page: Any) -> None:
    page.evaluate("(hits) => map.setHits(hits)", PAIR)
    _settle(page)
    page.mouse.move(*_pixel(page, 8.6, 47.4))
    assert _wait_for(page, "hover") == ["far"]
    assert page.locator(".map-tip-first").inner_text() == "<b>port</b>"
    page.mouse.move(5, 200)
    page.wait_for_function("() => window.log.at(-1)[1] === null")


def test_clicking_selects_and_clicking_again_gives_the_next_one_below(page: Any) -> None:
    page.evaluate("(hits) => map.setHits(hits)", [_hit("best", 8.5, 47.4, 0.4), _hit("below", 8.5, 47.4, 0.3)])
    _settle(page)
    for _ in range(3):
        page.mouse.click(*_pixel(page, 8.5, 47.4))
        page.wait_for_timeout(350)  # a second click within 300 ms would be a double click
    assert _said(page, "select") == [["best"], ["below"], ["best"]]


def test_highlighting_from_the_grid_draws_a_frame_and_reports_nothing(page: Any) -> None:
    page.evaluate("(hits) => { map.setHits(hits); map.highlight('far'); map.select('near'); }", PAIR)
    _settle(page)
    roles = page.evaluate("map.maplibre.querySourceFeatures('focus').map((f) => f.properties.role)")
    assert set(roles) == {"highlighted", "chosen"}
    assert _said(page, "hover") == _said(page, "select") == []


def test_from_afar_results_are_one_cluster_that_a_click_opens(page: Any) -> None:
    page.evaluate("(hits) => map.setHits(hits)", PAIR)
    _look(page, 8.5, 47.4, 3)
    clusters = page.evaluate("map.maplibre.queryRenderedFeatures({ layers: ['clusters'] }).map((f) => f.properties)")
    assert [found["point_count"] for found in clusters] == [2]
    page.mouse.click(*_pixel(page, 8.55, 47.4))
    page.wait_for_function("() => map.maplibre.getZoom() > 6")
    assert _said(page, "select") == []


def test_previews_are_drawn_in_footprints_only_at_close_zoom(page: Any) -> None:
    page.evaluate("(hits) => map.setHits(hits)", PAIR)
    pictures = "map.maplibre.getStyle().layers.filter(({ id }) => id.startsWith('picture-')).length"
    _look(page, 8.5, 47.4, 11)
    assert page.evaluate(pictures) == 2
    _look(page, 8.5, 47.4, 6)
    assert page.evaluate(pictures) == 0


def test_results_on_both_sides_of_the_antimeridian_fit_in_a_narrow_view(page: Any) -> None:
    hits = [_hit("west", 179.8, -17, 0.3), _hit("east", -179.8, -17, 0.2)]
    page.evaluate("(hits) => { map.setHits(hits); map.fit(hits); }", hits)
    _settle(page)
    west, east = page.evaluate("(() => { const b = map.maplibre.getBounds(); return [b.getWest(), b.getEast()]; })()")
    assert east - west < 5


@pytest.mark.slow  # a minute of software rendering
def test_a_map_that_is_resized_while_it_moves_is_not_stretched(page: Any) -> None:
    page.evaluate("map.maplibre.easeTo({ center: [9, 47.4], duration: 900, essential: true })")
    page.set_viewport_size({"width": 500, "height": 420})
    _settle(page)
    low, height = page.evaluate(
        "(() => { const { lng, lat } = map.maplibre.getBounds().getSouthEast();"
        " return [map.maplibre.project([lng, lat]).y, map.maplibre.getCanvas().clientHeight]; })()"
    )
    page.set_viewport_size({"width": 640, "height": 520})
    _settle(page)
    assert low == pytest.approx(height, abs=1)


def test_a_box_is_drawn_by_dragging(page: Any) -> None:
    page.evaluate("map.drawBox()")
    page.mouse.move(150, 220)
    page.mouse.down()
    page.mouse.move(300, 320, steps=4)
    page.mouse.up()
    (area,) = _wait_for(page, "area")
    west, south, east, north = area["bbox"]
    assert area["type"] == "Polygon"
    assert _pixel(page, west, north) == pytest.approx((150, 220), abs=1.5)
    assert _pixel(page, east, south) == pytest.approx((300, 320), abs=1.5)


def test_a_corner_of_the_area_can_be_moved(page: Any) -> None:
    ring = [[8.45, 47.38], [8.55, 47.38], [8.5, 47.42], [8.45, 47.38]]
    page.evaluate("(ring) => map.setArea({ type: 'Polygon', coordinates: [ring] })", ring)
    _settle(page)
    page.mouse.move(*_pixel(page, 8.5, 47.42))
    page.mouse.down()
    page.mouse.move(*_pixel(page, 8.52, 47.41), steps=4)
    page.mouse.up()
    (area,) = _wait_for(page, "area")
    assert any(point == pytest.approx([8.52, 47.41], abs=0.003) for point in area["coordinates"][0])


def test_a_typed_box_may_cross_the_antimeridian(page: Any) -> None:
    page.evaluate("map.drawBox()")
    _type(page, "179, -18, -179, -16")
    (area,) = _wait_for(page, "area")
    assert (area["type"], area["bbox"]) == ("MultiPolygon", [179, -18, -179, -16])


def test_a_drawn_polygon_across_the_antimeridian_is_cut_in_two(page: Any) -> None:
    page.evaluate("map.drawPolygon()")
    _type(page, "179 -18, 181 -18, 181 -16, 179 -16")
    (area,) = _wait_for(page, "area")
    assert area["type"] == "MultiPolygon"
    lons = [point[0] for part in area["coordinates"] for ring in part for point in ring]
    assert (min(lons), max(lons)) == (-180, 180)


@pytest.mark.parametrize(
    ("tool", "text", "says"),
    [
        ("drawBox", "5, 48, 9, 46", "north must be larger"),
        ("drawBox", "5, 48, 9", "four numbers"),
        ("drawBox", "five, 46, 9, 48", '"five" is no number'),
        ("drawPolygon", "8 47, 9 48, 8 48, 9 47", "crosses itself"),
        ("drawPolygon", "8 47, 9 48", "at least 3 points"),
        ("pickPoint", "8, 97", "latitudes lie from -90 to 90"),
    ],
)
def test_what_is_no_area_is_refused_with_a_sentence(page: Any, tool: str, text: str, says: str) -> None:
    page.evaluate(f"map.{tool}()")
    _type(page, text)
    assert says.lower() in page.locator(".map-panel [role=alert]").inner_text().lower()
    assert _said(page, "area") == _said(page, "point") == []


def test_too_many_corners_are_refused(page: Any) -> None:
    angles = np.linspace(0, 2 * np.pi, 502)[:-1]
    page.evaluate("map.drawPolygon()")
    _type(page, ", ".join(f"{8 + np.cos(angle):.5f} {47 + np.sin(angle):.5f}" for angle in angles))
    assert "at most 500 points; got 501" in page.locator(".map-panel [role=alert]").inner_text().lower()


def test_a_polygon_is_drawn_by_clicks_and_finished_on_its_first_corner(page: Any) -> None:
    page.evaluate("map.drawPolygon()")
    for at in ((330, 200), (450, 210), (400, 330), (331, 201)):
        page.mouse.click(*at)
    (area,) = _wait_for(page, "area")
    assert len(area["coordinates"][0]) == 4
    assert "bbox" not in area


def test_a_polygon_is_drawn_by_keyboard_alone(page: Any) -> None:
    page.evaluate("map.drawPolygon()")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press("Space")
        page.keyboard.press(key)
        _settle(page)
    page.keyboard.press("Backspace")
    assert page.locator(".map-panel-finish").is_disabled()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    (area,) = _wait_for(page, "area")
    assert len(area["coordinates"][0]) == 4


def test_escape_leaves_drawing_and_clearing_reports_nothing_left(page: Any) -> None:
    page.evaluate("map.drawPolygon()")
    page.keyboard.press("Escape")
    assert page.locator(".map-panel").is_hidden()
    assert _said(page, "area") == []
    page.evaluate("map.clearArea()")
    assert _said(page, "area") == [[None]]


def test_a_place_is_picked_by_touch(page: Any) -> None:
    page.evaluate("map.pickPoint()")
    page.touchscreen.tap(400, 300)
    (point,) = _wait_for(page, "point")
    assert _pixel(page, *point) == pytest.approx((400, 300), abs=1.5)


def test_cells_are_drawn_by_their_names_with_a_legend(page: Any) -> None:
    cells = [{"cell": h3.latlng_to_cell(47.4, 8.4 + n / 6000, 5), "count": n, "best": 0.3} for n in (1, 1200)]
    page.evaluate("(cells) => map.setHexagons(cells)", cells)
    _look(page, 8.5, 47.4, 8)
    found = page.evaluate("map.maplibre.queryRenderedFeatures({ layers: ['hexagon-fill'] }).map((f) => f.properties)")
    assert {cell["count"] for cell in found} == {1, 1200}
    assert page.locator(".map-legend-counts").inner_text().strip().endswith("1,200")
    page.evaluate("map.setHexagons([])")
    assert page.locator(".map-legend-counts").is_hidden()


def test_a_cell_that_is_none_is_reported(page: Any) -> None:
    page.evaluate("map.setHexagons([{ cell: 'nonsense', count: 3 }])")
    assert "1 cells are not drawn" in _wait_for(page, "problem")[0]


def test_the_theme_repaints_the_map_without_losing_results(page: Any) -> None:
    page.evaluate("(hits) => map.setHits(hits)", PAIR)
    light = page.evaluate("map.maplibre.getPaintProperty('water', 'background-color')")
    page.evaluate("map.setTheme('dark')")
    _settle(page)
    assert page.evaluate("map.maplibre.getPaintProperty('water', 'background-color')") != light
    assert page.evaluate("map.maplibre.querySourceFeatures('hits').length") >= 2


def test_the_basemap_has_land_lakes_rivers_borders_and_names(page: Any) -> None:
    _look(page, 8.5, 47, 6)
    page.wait_for_function("() => map.maplibre.querySourceFeatures('fine-land').length > 0")
    _settle(page)
    counts = page.evaluate(
        "['fine-lakes', 'fine-rivers', 'fine-borders', 'places'].map((n) => map.maplibre.querySourceFeatures(n).length)"
    )
    assert all(count > 0 for count in counts), counts


def _bins(start: str, step_days: float, counts: list[int]) -> list[dict[str, Any]]:
    first = np.datetime64(start, "s")
    step = np.timedelta64(round(step_days * 86400), "s")
    edges = [f"{first + i * step}Z" for i in range(len(counts) + 1)]
    return [{"start": edges[i], "end": edges[i + 1], "count": count} for i, count in enumerate(counts)]


def _handle(page: Any, which: str) -> Any:
    return page.get_by_role("slider", name=which)


def test_the_timeline_is_worked_by_keyboard(page: Any) -> None:
    page.evaluate("(bins) => timeline.setHistogram(bins)", _bins("2020-01-01", 1, [5, 0, 7, 1, 2, 9, 4, 3, 8, 1]))
    start = _handle(page, "Earliest date")
    start.press("ArrowRight")
    start.press("ArrowRight")
    assert _wait_for(page, "time") == ["2020-01-03T00:00:00Z", "2020-01-11T00:00:00Z"]
    assert start.get_attribute("aria-valuetext") == "3 Jan 2020, about 35 of 40 matches"
    _handle(page, "Latest date").press("Home")
    page.wait_for_function("() => window.log.filter(([name]) => name === 'time').length === 2")
    assert _said(page, "time")[-1] == ["2020-01-03T00:00:00Z", "2020-01-03T00:00:00Z"]
    start.press("Escape")
    assert _said(page, "time")[-1] == [None, None]


def test_the_timeline_is_worked_by_dragging(page: Any) -> None:
    page.evaluate("(bins) => timeline.setHistogram(bins)", _bins("1984-01-01", 365.25, [1] * 40))
    box = page.locator(".timeline-body").bounding_box()
    middle = box["y"] + 20
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, middle, steps=4)
    page.mouse.up()
    start, end = _wait_for(page, "time")
    assert start[:4] in {"2003", "2004"}
    assert end[:4] in {"2022", "2023"}
    page.mouse.dblclick(box["x"] + box["width"] * 0.7, middle)
    assert _said(page, "time")[-1] == [None, None]


def test_a_range_from_the_address_is_shown_and_not_reported(page: Any) -> None:
    page.evaluate("timeline.setRange('2020-01-04', '2020-01-06')")
    page.evaluate("(bins) => timeline.setHistogram(bins)", _bins("2020-01-01", 1, [4] * 10))
    assert page.locator(".timeline-says").inner_text().endswith("about 8 of 40 matches")
    assert page.locator(".timeline-out").count() == 8
    assert _said(page, "time") == []


@pytest.mark.parametrize(("step_days", "label"), [(1 / 24, "00:00"), (2, "6 Jan"), (40, "Jan 2000"), (400, "2000")])
def test_the_dates_below_suit_the_span(page: Any, step_days: float, label: str) -> None:
    page.evaluate("(bins) => timeline.setHistogram(bins)", _bins("2000-01-01", step_days, [1] * 20))
    labels = page.locator(".timeline-date").all_text_contents()
    assert label in labels
    assert 2 <= len(labels) <= 8


def test_a_timeline_without_dates_says_so(page: Any) -> None:
    page.evaluate("timeline.setHistogram([])")
    assert page.locator(".timeline-empty").is_visible()
    assert page.get_by_role("slider").count() == 0


def test_without_webgl_the_reason_is_given_and_a_plain_map_works(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 640, "height": 520})
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    page.goto(address)
    page.wait_for_function("() => window.ready === true")
    assert "no WebGL 2" in page.evaluate("window.refusal")
    page.wait_for_selector(".map-plain path")
    page.evaluate("(hits) => { map.setHits(hits); map.fit(hits); }", PAIR)
    page.locator('[data-hit="1"]').last.click()
    assert _said(page, "select") == [["far"]]
    page.evaluate("map.drawBox()")
    _type(page, "5, 45, 9, 48")
    assert _said(page, "area")[0][0]["bbox"] == [5, 45, 9, 48]
    page.close()


def test_vendored_code_and_basemap_stay_small() -> None:
    paths = [path for folder in ("vendor", "basemap") for path in (WEB / folder).iterdir()]
    sent = [path for path in paths if path.suffix in {".mjs", ".js", ".css", ".json"}]
    assert len(sent) >= 7
    assert sum(len(gzip.compress(path.read_bytes())) for path in sent) < MOST_BYTES
