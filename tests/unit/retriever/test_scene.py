"""One huge scene asked like an archive; the scenes here are small, the arithmetic is the same."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core import EncodesText, InputError, Record, SceneError, SourceError, VectorSpace
from embeddings import EncodesBoth, open_encoder
from indexer import LEVEL, Store, draw, index_pyramid, record_from_row
from indexer._records import RECORD_COLUMNS
from retriever.rag.scene import Exemplified, cut_scene
from tests.rasters import write_raster


def noise(bands: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(1, 255, (bands, height, width)).astype("uint8")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWATH_SCENE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def encoder() -> EncodesBoth:
    opened = open_encoder("swath-mini")
    assert isinstance(opened, EncodesText)
    return opened


def records(index: Path) -> list[Record]:
    rows = Store.open(index).snapshot()
    return [record_from_row(row) for batch in rows.scan(RECORD_COLUMNS) for row in batch.to_pylist()]


def test_each_level_halves_the_one_below_until_one_tile_holds_all(tmp_path: Path, encoder: EncodesBoth) -> None:
    scene = write_raster(tmp_path / "scene.tif", noise(3, 500, 700), photometric="RGB")
    pyramid = index_pyramid(Path(scene), into=tmp_path / "index", encoder=encoder, tile_size=112)
    assert pyramid.levels == (1, 2, 4, 8)
    found = records(tmp_path / "index")
    assert pyramid.tiles == len(found)
    by_level = {level: [each for each in found if each.collection == f"{LEVEL}{level}"] for level in pyramid.levels}
    assert {level: len(tiles) for level, tiles in by_level.items()} == {1: 5 * 7, 2: 3 * 4, 4: 2 * 2, 8: 1}
    assert {each.window.width for each in by_level[4]} == {448}
    finest, coarser = by_level[1][0].gsd, by_level[2][0].gsd
    assert finest is not None
    assert coarser == pytest.approx(2 * finest, rel=0.01)


def test_a_plain_picture_is_cut_and_its_windows_are_read_again(tmp_path: Path, encoder: EncodesBoth) -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[:, :200] = (200, 30, 30)
    pixels[:, 200:] = (30, 30, 200)
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    index_pyramid(tmp_path / "plain.png", into=tmp_path / "index", encoder=encoder, tile_size=100)
    finest = [each for each in records(tmp_path / "index") if each.collection == f"{LEVEL}1"]
    assert len(finest) == 3 * 4
    assert all(each.footprint is None for each in finest)
    right = next(each for each in finest if (each.window.col_off, each.window.row_off) == (300, 200))
    picture = draw(right, None, 64)
    assert (picture.width, picture.height) == (64, 64)
    with Image.open(BytesIO(picture.png)) as drawn:
        assert np.asarray(drawn.convert("RGB"))[30, 30, 2] > 150


def test_the_same_content_is_cut_once(tmp_path: Path, encoder: EncodesBoth) -> None:
    scene = Path(write_raster(tmp_path / "scene.tif", noise(3, 200, 200), photometric="RGB"))
    first, second = cut_scene(scene, encoder), cut_scene(scene, encoder)
    assert (first.cached, second.cached) == (False, True)
    assert first.pyramid == second.pyramid
    write_raster(scene, noise(3, 230, 200), photometric="RGB")
    assert not cut_scene(scene, encoder).cached


def test_a_scene_that_was_cut_off_is_finished(tmp_path: Path, encoder: EncodesBoth) -> None:
    scene = Path(write_raster(tmp_path / "scene.tif", noise(3, 300, 200), photometric="RGB"))
    whole = cut_scene(scene, encoder)
    (whole.index.parent / "pyramid.json").unlink()
    again = cut_scene(scene, encoder)
    assert not again.cached
    assert len(records(again.index)) == len({each.tile_id for each in records(again.index)}) > 0


def test_what_cannot_be_cut_is_said(tmp_path: Path, encoder: EncodesBoth) -> None:
    with pytest.raises(SourceError, match="is no file"):
        cut_scene(tmp_path / "missing.tif", encoder)
    empty = write_raster(tmp_path / "empty.tif", np.zeros((3, 64, 64), np.uint8), nodata=0, photometric="RGB")
    with pytest.raises(InputError, match="no tile has enough valid pixels"):
        cut_scene(Path(empty), encoder)
    unknown = write_raster(tmp_path / "unknown.tif", noise(5, 64, 64).astype("uint16"))
    with pytest.raises(InputError, match="sensor"):
        cut_scene(Path(unknown), encoder)


def test_a_strip_is_cut_as_far_as_it_has_whole_pixels_across(tmp_path: Path, encoder: EncodesBoth) -> None:
    Image.fromarray(noise(3, 3, 600).transpose(1, 2, 0)).save(tmp_path / "strip.png")
    pyramid = index_pyramid(tmp_path / "strip.png", into=tmp_path / "index", encoder=encoder, tile_size=100)
    assert pyramid.levels == (1, 2)
    assert pyramid.tiles == 6 + 3


def test_a_damaged_picture_is_named(tmp_path: Path, encoder: EncodesBoth) -> None:
    path = tmp_path / "torn.png"
    Image.fromarray(noise(3, 300, 300).transpose(1, 2, 0)).save(path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(SceneError, match=r"^torn\.png cannot be read"):
        cut_scene(path, encoder)
    path.write_bytes(b"")
    with pytest.raises(SceneError, match=r"^torn\.png is empty"):
        cut_scene(path, encoder)


def test_what_could_not_be_cut_is_forgotten_too(
    tmp_path: Path, cache: Path, encoder: EncodesBoth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retriever.rag.scene._cache.KEPT", 1)
    empty = write_raster(tmp_path / "empty.tif", np.zeros((3, 64, 64), np.uint8), nodata=0, photometric="RGB")
    with pytest.raises(InputError):
        cut_scene(Path(empty), encoder)
    kept = cut_scene(Path(write_raster(tmp_path / "scene.tif", noise(3, 64, 64), photometric="RGB")), encoder)
    assert [path for path in cache.iterdir() if path.is_dir()] == [kept.index.parent]


def test_a_changed_sensor_file_cuts_the_scene_again(tmp_path: Path, encoder: EncodesBoth) -> None:
    sensor = tmp_path / "own.toml"
    sensor.write_text(Path("docs/examples/landsat-uint8-composite.toml").read_text())
    scene = Path(write_raster(tmp_path / "scene.tif", noise(4, 64, 64)))
    assert not cut_scene(scene, encoder, sensor=str(sensor)).cached
    sensor.write_text(sensor.read_text() + "\n# changed\n")
    assert not cut_scene(scene, encoder, sensor=str(sensor)).cached


def test_a_cache_that_is_no_folder_is_said(
    tmp_path: Path, encoder: EncodesBoth, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SWATH_SCENE_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="SWATH_SCENE_CACHE"):
        cut_scene(Path(write_raster(tmp_path / "scene.tif", noise(3, 64, 64), photometric="RGB")), encoder)


class Words:
    """Encodes every text as the first axis."""

    space = VectorSpace(encoder="words", revision="1", dim=3)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(np.array([1, 0, 0], dtype=np.float32), (len(texts), 1))


def test_only_phrases_with_exemplars_lean_towards_them() -> None:
    known = {"airport": np.array([[0, 1, 0], [0, 1, 0]], dtype=np.float32)}
    leaning = Exemplified(Words(), known)  # type: ignore[arg-type]  # tiles are not encoded here
    airport, harbour = leaning.encode_text(["a satellite photo of an airport", "a harbour"])
    np.testing.assert_allclose(airport, [0.5**0.5, 0.5**0.5, 0], atol=1e-6)
    np.testing.assert_allclose(harbour, [1, 0, 0])


def test_a_phrase_inside_a_longer_word_is_another_phrase() -> None:
    leaning = Exemplified(Words(), {"port": np.array([[0, 1, 0]], dtype=np.float32)})  # type: ignore[arg-type]  # as above
    np.testing.assert_allclose(leaning.encode_text(["a photo of an airport"]), [[1, 0, 0]])
