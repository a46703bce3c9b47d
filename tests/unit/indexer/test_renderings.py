"""Legends and pictures: formulas checked by hand, fixed ranges, transparency, sizes."""

import io
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin

import swath
from core import Record, SceneError, Settings, SwathError, builtin_sensors
from indexer import Reach, RenderingError, Store, color_stops, draw, legend_of, legends_of, renderings_of, window_file
from indexer._records import record_from_row
from tests.integration.real import rows_of

SIDE = 32
B03, B04, B08, B11, B12 = 2000, 1000, 5000, 3000, 500


def names(sensor: str) -> tuple[str, ...]:
    return renderings_of(sensor)


def test_each_sensor_has_what_its_bands_allow() -> None:
    indices = ("index:ndvi", "index:ndwi", "index:nbr", "index:ndsi")
    assert names("sentinel-2-l2a") == ("true-color", "false-color", "swir", *indices)
    assert names("naip") == ("true-color", "false-color", "index:ndvi", "index:ndwi")
    assert names("sentinel-1-rtc") == ("sar", "gray", "gray-vh")
    assert names("ombria-s2") == ("false-color", "index:ndwi", "index:ndsi")
    assert names("rgb") == ("true-color",)
    assert names("no-such-sensor") == ()


@pytest.mark.parametrize("sensor", builtin_sensors().values(), ids=lambda sensor: sensor.name)
def test_every_legend_says_what_goes_in_and_how_to_read_it(sensor: object) -> None:
    for legend in legends_of(sensor):  # type: ignore[arg-type]
        assert legend.bands
        assert all(band in legend.formula for band in legend.bands)
        assert legend.meaning
        assert legend.unit
        assert (legend.kind == "index") == (legend.range is not None) == bool(color_stops(legend))


def test_legends_name_bands_formula_range_and_colours() -> None:
    legend = legend_of(builtin_sensors()["sentinel-2-l2a"], "index:ndvi")
    assert (legend.bands, legend.formula, legend.range) == (("B08", "B04"), "(B08 - B04) / (B08 + B04)", (-0.2, 0.9))
    stops = color_stops(legend)
    assert (len(stops), stops[0][0], stops[-1][0]) == (11, -0.2, 0.9)
    red, green = stops[0][1], stops[-1][1]
    assert int(red[1:3], 16) > int(red[3:5], 16)
    assert int(green[3:5], 16) > int(green[1:3], 16)


def test_radar_is_drawn_in_the_fixed_ranges_of_the_field() -> None:
    legend = legend_of(builtin_sensors()["sentinel-1-rtc"], "sar")
    drawn = [(channel.shows, channel.minimum, channel.maximum) for channel in legend.channels]
    assert drawn == [("VV", 0.0, 0.3), ("VH", 0.0, 0.05), ("VV / VH", 0.0, 25.0)]
    assert legend.unit == "linear power"


def test_an_index_of_raw_numbers_says_so() -> None:
    assert "not of reflectance" in legend_of(builtin_sensors()["naip"], "index:ndvi").unit


def test_a_rendering_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(RenderingError, match="no rendering 'index:ndvi' for sentinel-1-rtc; there are sar, gray, gray"):
        legend_of(builtin_sensors()["sentinel-1-rtc"], "index:ndvi")
    with pytest.raises(RenderingError, match="with the bands B04, B03, B02; there are true-color"):
        legend_of(builtin_sensors()["sentinel-2-l2a"], "swir", ("B04", "B03", "B02"))


def indexed(folder: Path, pixels: NDArray[np.uint16], bands: tuple[str, ...], **place: object) -> Record:
    """Index one Sentinel-2 scene of two tiles side by side and return the record of the first."""
    folder.mkdir(exist_ok=True)
    scene = folder / "scene.tif"
    placed = {"crs": "EPSG:32632", "transform": from_origin(500_000, 4_900_000, 10, 10), **place}
    height, width = pixels.shape[1:]
    layout = {"driver": "GTiff", "width": width, "height": height, "count": len(bands), "dtype": "uint16"}
    with rasterio.open(scene, "w", **layout, **placed) as file:
        file.write(pixels)
        file.descriptions = bands
    swath.index(str(scene), into=folder / "index", sensor="sentinel-2-l2a/dn", tile_size=SIDE)
    rows = sorted(rows_of(folder / "index"), key=lambda row: row["tile_id"])
    return record_from_row(rows[0])


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A tile of known reflectances, its right half without data."""
    bands = ("B02", "B03", "B04", "B08", "B11", "B12")
    pixels = np.empty((len(bands), SIDE, 2 * SIDE), np.uint16)
    pixels[:] = np.array([800, B03, B04, B08, B11, B12], np.uint16)[:, None, None]
    pixels[:, :, SIDE // 2 : SIDE] = 0
    return indexed(tmp_path_factory.mktemp("renderings"), pixels, bands)


def colours(record: Record, rendering: str, size: int = SIDE) -> NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(draw(record, rendering, size).png))
    assert picture.mode == "RGBA"
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("rendering", "value"),
    [
        ("index:ndvi", (B08 - B04) / (B08 + B04)),
        ("index:ndwi", (B03 - B08) / (B03 + B08)),
        ("index:nbr", (B08 - B12) / (B08 + B12)),
        ("index:ndsi", (B03 - B11) / (B03 + B11)),
    ],
)
def test_an_index_has_the_colour_that_its_legend_gives_the_value(record: Record, rendering: str, value: float) -> None:
    stops = color_stops(legend_of(builtin_sensors()["sentinel-2-l2a"], rendering))
    expected = [
        np.interp(value, [stop for stop, _ in stops], [int(color[at : at + 2], 16) for _, color in stops])
        for at in (1, 3, 5)
    ]
    # Between two of the eleven stops the colour map is not quite a straight line.
    assert np.abs(colours(record, rendering)[5, 5, :3] - np.array(expected)).max() < 12


def test_true_colour_is_the_fixed_stretch_of_the_sensor(record: Record) -> None:
    expected = [round(255 * 1.3 * (number / 10_000) ** 0.6) for number in (B04, B03, 800)]
    assert np.abs(colours(record, "true-color")[5, 5, :3].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("rendering", ["true-color", "index:ndvi"])
def test_pixels_without_data_are_transparent(record: Record, rendering: str) -> None:
    alpha = colours(record, rendering)[..., 3]
    assert (alpha[:, : SIDE // 2] == 255).all()
    assert (alpha[:, SIDE // 2 :] == 0).all()


def test_pictures_are_reduced_to_the_size_asked_for_and_never_enlarged(record: Record) -> None:
    assert colours(record, "true-color", 16).shape == (16, 16, 4)
    assert colours(record, "true-color", 500).shape == (SIDE, SIDE, 4)


def test_the_same_picture_is_made_of_the_same_bytes(record: Record) -> None:
    first, second = (draw(record, "index:nbr", SIDE).png for _ in range(2))
    assert first == second


def test_bands_that_the_files_lack_are_named(record: Record) -> None:
    with pytest.raises(RenderingError, match="no rendering 'swir' for sentinel-2-l2a with the bands B02, B03"):
        draw(record, "swir", SIDE)


def test_a_tile_out_of_reach_is_not_opened(record: Record) -> None:
    with pytest.raises(SceneError, match="outside the archive"):
        draw(record, None, SIDE, reach=Reach.of((), Settings()))


def test_a_window_file_holds_the_pixels_in_physical_units_and_in_place(record: Record) -> None:
    with rasterio.MemoryFile(window_file(record)) as memory, memory.open() as file:
        assert file.descriptions == ("B02", "B03", "B04", "B08", "B11", "B12")
        assert file.units == ("reflectance",) * 6
        assert (file.crs.to_epsg(), file.transform) == (32632, from_origin(500_000, 4_900_000, 10, 10))
        assert np.isnan(file.nodata)
        assert (file.scales, file.offsets) == ((1.0,) * 6, (0.0,) * 6)
        assert [color.name for color in file.colorinterp][:3] == ["blue", "green", "red"]
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        pixels = file.read(masked=True)
        tags = file.tags()
    assert pixels[3, 5, 5] == pytest.approx(B08 / 10_000)
    assert pixels.mask[:, :, SIDE // 2 :].all()
    assert not pixels.mask[:, :, : SIDE // 2].any()
    assert (tags["tile_id"], tags["sensor"]) == (record.tile_id, "sentinel-2-l2a")


def test_a_second_window_lies_beside_the_first(record: Record, tmp_path: Path) -> None:
    rows = [record_from_row(row) for row in rows_of(Path(record.href).parent / "index")]
    second = next(row for row in rows if row.window.col_off == SIDE)
    with rasterio.MemoryFile(window_file(second)) as memory, memory.open() as file:
        assert file.bounds.left == 500_000 + SIDE * 10


def test_bands_of_a_window_file_can_be_chosen_by_any_of_their_names(record: Record) -> None:
    with rasterio.MemoryFile(window_file(record, bands=["b8", "B04"])) as memory, memory.open() as file:
        assert file.descriptions == ("B08", "B04")
    with pytest.raises(RenderingError, match="no band 'B09' in this tile's files; they hold B02, B03"):
        window_file(record, bands=["B09"])


def test_a_window_of_too_many_numbers_is_refused_before_it_is_read(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer._window_file.MAX_VALUES", SIDE * SIDE * 2)
    with pytest.raises(RenderingError, match=r"6 bands of 32 x 32 pixels are 6,144 numbers; at most 2,048 .*bands=B02"):
        window_file(record)
    window_file(record, bands=["B02", "B03"])


def test_coarser_files_of_a_scene_keep_its_grid(tmp_path: Path) -> None:
    """A rendering of 20 m bands alone must cut the same window that the 10 m bands define."""
    record = stac_scene(tmp_path)
    with rasterio.MemoryFile(window_file(record, bands=["B12"])) as memory, memory.open() as file:
        assert file.bounds.left == 500_000
        assert file.bounds.right == 500_000 + SIDE * 10
        assert file.read(1)[0, 0] == pytest.approx(B12 / 10_000)


def stac_scene(folder: Path) -> Record:
    import json

    for name, gsd, number in (("B04", 10, B04), ("B03", 10, B03), ("B02", 10, 800), ("B12", 20, B12)):
        side = SIDE * 10 // gsd
        place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 4_900_000, gsd, gsd)}
        layout = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint16"}
        with rasterio.open(folder / f"{name}.tif", "w", **layout, **place) as file:
            file.write(np.full((1, side, side), number, np.uint16))
    asset = {"type": "image/tiff; application=geotiff; profile=cloud-optimized", "roles": ["data"]}
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "one", "collection": "sentinel-2-l2a", "links": [],
        "geometry": {"type": "Point", "coordinates": [9, 44.25]}, "bbox": [9, 44.2, 9.01, 44.3],
        "properties": {"datetime": "2021-01-01T00:00:00Z", "s2:processing_baseline": "03.00"},
        "stac_extensions": ["https://stac-extensions.github.io/eo/v1.1.0/schema.json"],
        "assets": {name: asset | {"href": f"./{name}.tif", "eo:bands": [{"name": name}]}
                   for name in ("B04", "B03", "B02", "B12")},
    }  # fmt: skip
    (folder / "item.json").write_text(json.dumps(item))
    swath.index(str(folder / "item.json"), into=folder / "index", tile_size=SIDE)
    (row,) = rows_of(folder / "index")
    return record_from_row(row)


def test_the_index_of_a_readable_archive_reaches_its_own_files(record: Record) -> None:
    ledger = Store.open(Path(record.href).parent / "index").ledger().values()
    reach = Reach.of([row.href for row in ledger], Settings())
    assert draw(record, None, SIDE, reach=reach).legend.name == "true-color"
    assert issubclass(RenderingError, SwathError)
