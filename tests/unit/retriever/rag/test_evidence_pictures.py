"""Pictures of evidence: which, from which pixels, how they are to be read, and what is said where there is none."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from core import Settings
from indexer import Reach, record_from_row
from retriever.rag import EvidencePicture, EvidenceTile, QueryPlan, draw_pictures
from retriever.rag.evidence._pictures import NO_DATA, renderings_for
from tests.rasters import write_raster
from tests.unit.retriever.tables import row

SIDE = 64
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
NDWI = QueryPlan(question="Where is water?", renderings=("index:ndwi",))
PLAIN = QueryPlan(question="What is there?")


def webp(colour: tuple[int, int, int] = (10, 20, 30)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(data, "WEBP")
    return data.getvalue()


def named_bands(path: Path, pixels: np.ndarray, bands: tuple[str, ...]) -> str:
    href = write_raster(path, pixels, nodata=0)
    with rasterio.open(href, "r+") as file:
        file.descriptions = bands
    return href


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two tiles side by side: left water with a strip without data, right vegetation."""
    pixels = np.full((len(BANDS), SIDE, 2 * SIDE), 3000, np.uint16)
    pixels[1, :, :SIDE], pixels[3, :, :SIDE] = 4000, 500
    pixels[:, :, :8] = 0
    pixels[3, :, SIDE:] = 8000
    path = tmp_path_factory.mktemp("pictures") / "scene.tif"
    return named_bands(path, pixels, BANDS)


def tile(number: int, href: str, *, column: int = 0, period: int | None = None, **values: Any) -> EvidenceTile:
    fields = {"sensor": "sentinel-2-l2a", "encoding": "dn", "crs": "EPSG:32630", "gsd": 10.0, "preview": webp()}
    window = {"col_off": column * SIDE, "row_off": 0, "width": SIDE, "height": SIDE}
    record = record_from_row(row(f"t{number}", None, href=href, **(fields | window | values)))
    return EvidenceTile(number=number, record=record, sought=None, period=period, score=None, probability=None)


def drawn(*args: Any, **options: Any) -> tuple[list[list[str]], tuple[str, ...]]:
    tiles, dropped = draw_pictures(*args, **options)
    return [[picture.rendering for picture in each.pictures] for each in tiles], dropped


def only(picture_of: tuple[EvidencePicture, ...]) -> EvidencePicture:
    (picture,) = picture_of
    return picture


def opened(picture: EvidencePicture) -> np.ndarray:
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.format == "JPEG"
        assert image.size == (picture.width, picture.height)
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_rendering_that_is_asked_for_comes_from_original_pixels_with_its_legend(scene: str) -> None:
    (water, plants), dropped = draw_pictures([tile(1, scene), tile(2, scene, column=1)], NDWI, None, 2, 512)
    assert dropped == ()
    picture = only(water.pictures)
    assert (picture.rendering, picture.source, picture.remark) == ("index:ndwi", "original", None)
    assert (picture.media_type, picture.width, picture.height) == ("image/jpeg", SIDE, SIDE)
    for said in (
        "(B03 - B08) / (B03 + B08)",
        "-0.8 #",
        "0.8 #",
        "Blue is open water",
        "Flat violet (#8000ff) is without data",
    ):
        assert said in picture.legend
    pixels = opened(picture)
    assert np.abs(pixels[20, 2] - NO_DATA).max() < 12
    red, _, blue = pixels[20, 40]
    assert blue > red
    plain = only(plants.pictures)
    assert "without data" not in plain.legend
    red, green, blue = opened(plain)[20, 40]
    assert green > red
    assert green > blue


def test_true_colour_says_between_which_values_the_colours_run(scene: str) -> None:
    (shown,), _ = draw_pictures([tile(1, scene)], PLAIN, None, 1, 512)
    legend = only(shown.pictures).legend
    assert legend.startswith("red = B04, green = B03, blue = B02; each dark at 0, brightest from 0.65 reflectance.")


def test_pictures_are_no_larger_than_asked_for(scene: str) -> None:
    (shown,), _ = draw_pictures([tile(1, scene)], PLAIN, None, 1, 40)
    assert (only(shown.pictures).width, only(shown.pictures).height) == (40, 40)


def test_every_place_and_period_is_seen_before_any_is_seen_twice(scene: str) -> None:
    tiles = [tile(n, scene, period=n % 2) for n in range(1, 9)]
    places = {n: 1 if n < 5 else 2 for n in range(1, 9)}
    assert drawn(tiles, PLAIN, None, 4, 64, places=places)[0] == [
        ["true-color"], ["true-color"], [], [], ["true-color"], ["true-color"], [], [],
    ]  # fmt: skip
    compared, dropped = drawn(tiles, NDWI, None, 6, 64, places=places)
    both, one = ["index:ndwi", "true-color"], ["index:ndwi"]
    assert compared == [both, both, [], [], one, one, [], []]
    assert dropped == ("Tiles 3, 4, 7, 8 had no picture drawn: at most 6 were asked for.",)


def test_a_question_about_time_sees_the_first_and_the_last_date(scene: str) -> None:
    tiles = [tile(n, scene) for n in range(1, 8)]
    asked = QueryPlan(question="When?", shape="when")
    for most, seen in ((1, [1]), (2, [1, 7]), (3, [1, 4, 7]), (7, [1, 2, 3, 4, 5, 6, 7])):
        shown, _ = draw_pictures(tiles, asked, None, most, 64)
        assert [each.number for each in shown if each.pictures] == seen


def test_a_sensor_without_the_rendering_is_drawn_as_usual() -> None:
    assert renderings_for("sentinel-1-rtc", NDWI) == ("sar",)
    assert renderings_for("sentinel-2-l2a", NDWI) == ("index:ndwi", "true-color")
    assert renderings_for("naip", QueryPlan(question="?", renderings=("index:nbr", "index:ndvi"))) == (
        "index:ndvi",
        "true-color",
    )
    assert renderings_for("somebody's own", NDWI) == (None,)


def test_files_of_fewer_bands_are_drawn_as_they_can_be(tmp_path: Path) -> None:
    path = named_bands(tmp_path / "rgb.tif", np.full((3, SIDE, SIDE), 2000, np.uint16), ("B04", "B03", "B02"))
    (shown,), dropped = draw_pictures([tile(1, path)], NDWI, None, 2, 64)
    assert dropped == ()
    picture = only(shown.pictures)
    assert (picture.rendering, picture.source) == ("true-color", "original")


def test_the_preview_stands_in_and_says_why(scene: str, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.tif")
    tiles = [tile(1, gone), tile(2, scene, column=1)]
    (first, second), dropped = draw_pictures(tiles, NDWI, None, 4, 64)
    picture = only(first.pictures)
    assert (picture.rendering, picture.source) == ("preview", "preview")
    assert picture.remark is not None
    assert picture.remark.startswith("Only the small stored preview, since the original pixels could not be read: ")
    assert "Drawn when the tile was indexed, as true-color" in picture.legend
    assert len(second.pictures) == 2
    assert dropped == ()


def test_what_lies_out_of_reach_is_not_opened(scene: str, tmp_path: Path) -> None:
    reach = Reach.of([], Settings(archive_roots=(str(tmp_path),)))
    (shown,), _ = draw_pictures([tile(1, scene)], PLAIN, reach, 1, 64)
    picture = only(shown.pictures)
    assert picture.source == "preview"
    assert picture.remark is not None
    assert str(Path(scene).parent) not in picture.remark
    assert "SWATH_ARCHIVE_ROOTS" not in picture.remark


@pytest.mark.parametrize("preview", [b"", b"no picture", b"RIFF\x00\x00\x00\x00WEBP"])
def test_a_tile_that_cannot_be_drawn_at_all_is_named_and_makes_room(scene: str, tmp_path: Path, preview: bytes) -> None:
    gone = tile(1, str(tmp_path / "gone.tif"), preview=preview)
    tiles, dropped = draw_pictures([gone, tile(2, scene), tile(3, scene)], PLAIN, None, 2, 64)
    assert [len(each.pictures) for each in tiles] == [0, 1, 1]
    (said,) = dropped
    assert said.startswith("Tile 1 could not be drawn: ")
    assert said.endswith(".")


def test_no_more_than_asked_for_and_none_for_nobody(scene: str) -> None:
    tiles = [tile(n, scene) for n in (1, 2, 3)]
    for most in (0, 1, 5, 9):
        shown, _ = draw_pictures(tiles, NDWI, None, most, 64)
        assert sum(len(each.pictures) for each in shown) == min(most, 6)
    assert draw_pictures([], NDWI, None, 4, 64) == ((), ())
