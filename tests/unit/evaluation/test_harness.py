"""What every protocol shares: data, splits, filters, batches, leakage, files."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core import InputError, SceneError, Tile, UnknownNameError, View
from core.testing import MeanColourEncoder
from evaluation import Options, evaluate, protocol_names, write_report
from evaluation._corpus import read_corpus
from evaluation._data import spaced
from tests.coloured_pictures import write_coloured_pictures
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Held, coloured, pictures, sample, spectral

ROWS = [(colour, (name,), ()) for name, colour in (("Red", RED), ("Green", GREEN), ("Blue", BLUE)) for _ in range(3)]


def held(split: str | None = None, start: int = 0) -> Held:
    return Held(held=pictures(ROWS, split, start))


def test_every_protocol_of_the_field_has_its_name() -> None:
    assert set(protocol_names()) >= {
        "class-map",
        "class-retrieval",
        "closp-ndcg",
        "composed",
        "cross-sensor",
        "image-text",
        "multi-label-map",
        "presence",
        "spectral-families",
        "zero-shot",
    }


def test_unknown_protocol_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown protocol 'map'; known: class-map, class-retrieval"):
        evaluate("map", MeanColourEncoder(), held())


def test_a_folder_with_a_listing_is_read_as_captions(tmp_path: Path) -> None:
    folder = write_coloured_pictures(tmp_path, train=2, val=4)
    report = evaluate("class-retrieval", MeanColourEncoder(), folder, Options(k=2))
    assert (report.dataset, report.split, report.pictures) == ("captions", "val", 12)
    assert report.leakage.against == "split train"


def test_a_folder_a_class_is_read_as_pictures(tmp_path: Path) -> None:
    for name, colour in (("Red", RED), ("Green", GREEN)):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("RGB", (20, 20), colour).save(tmp_path / name / f"{number}.png")
    report = evaluate("class-map", MeanColourEncoder(), f"pictures:{tmp_path}", Options(k=2))
    again = evaluate("class-map", MeanColourEncoder(), str(tmp_path), Options(k=2))
    assert report.to_json() == again.to_json()
    assert report.split is None
    assert report.figure("image mAP").value == 1.0


def test_a_folder_of_neither_layout_says_what_would_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither captions\.jsonl .*CLASS/PICTURE\.jpg.*NAME:.*eurosat"):
        evaluate("class-map", MeanColourEncoder(), tmp_path)
    with pytest.raises(InputError, match=r"no dataset folder at .*nowhere"):
        evaluate("class-map", MeanColourEncoder(), tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"before a colon stands one of .*ombria"):
        evaluate("class-map", MeanColourEncoder(), "ombra:somewhere")


@pytest.mark.parametrize(
    ("name", "expected"), [("ombria", "S1_before_0001"), ("terramind", "S1RTC/"), ("captions", "captions.jsonl")]
)
def test_a_wrong_layout_shows_the_expected_tree(name: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    with pytest.raises(InputError, match=expected):
        evaluate("class-map", MeanColourEncoder(), f"{name}:{tmp_path}")


def test_splits_are_named_where_one_is_unknown() -> None:
    both = Held(held=pictures(ROWS, "val") + pictures(ROWS, "train", 100))
    with pytest.raises(InputError, match="no split 'test'; it has train, val, all"):
        evaluate("class-map", MeanColourEncoder(), both, Options(split="test"))
    assert evaluate("class-map", MeanColourEncoder(), both, Options(split="all", k=2)).pictures == 18


def test_limit_keeps_every_part_of_a_sorted_listing() -> None:
    assert spaced(list("aaabbbccc"), 3) == ["a", "b", "c"]
    assert spaced([1, 2], 5) == [1, 2]
    report = evaluate("class-map", MeanColourEncoder(), held(), Options(limit=6, k=2))
    assert (report.samples, report.classes) == (6, 3)


def test_classes_and_groups_can_be_kept() -> None:
    report = evaluate("class-map", MeanColourEncoder(), held(), Options(only_classes=("red", "Blue"), k=2))
    assert (report.samples, report.classes) == (6, 2)
    with pytest.raises(InputError, match="no class 'pink'; the classes are blue, green, red"):
        evaluate("class-map", MeanColourEncoder(), held(), Options(only_classes=("pink",)))
    with pytest.raises(InputError, match="no group 'x'; the groups are p0, p1"):
        evaluate("class-map", MeanColourEncoder(), held(), Options(only_groups=("x",)))


def test_groups_left_out_are_what_a_kept_scene_is_compared_with() -> None:
    scenes = tuple(
        sample(
            f"s{n}",
            {"image": coloured(RED, noise=1 + n % 2)},
            labels=(("Red", "Green")[n % 2],),
            group=f"scene{n // 2}",
        )
        for n in range(4)
    )
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=scenes), Options(only_groups=("scene0",), k=1))
    assert report.leakage.against == "the other groups"
    assert report.leakage.duplicates == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"limit": 0}, "limit must be at least 1"),
        ({"tile_px": -4}, "tile_px"),
    ],
)
def test_numbers_are_checked(options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options(**options)  # type: ignore[arg-type]  # a dictionary of one integer option


def test_several_views_need_a_choice() -> None:
    views = Held(held=(sample("a", {"before": coloured(RED), "after": coloured(RED)}, labels=("x",)),) * 1)
    with pytest.raises(InputError, match="a has the views before, after and none was named; choose one with --role"):
        evaluate("multi-label-map", MeanColourEncoder(), views)
    with pytest.raises(InputError, match="'later' is not among them"):
        evaluate("multi-label-map", MeanColourEncoder(), views, Options(role="later"))


class Shapely(MeanColourEncoder):
    """Prepares arrays whose shape depends on the sensor, and takes one shape at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[int, ...]] = []

    def prepare(self, tile: Tile) -> NDArray[np.float32]:
        return super().prepare(tile) if tile.sensor.name == "rgb" else np.zeros((2, 3), dtype=np.float32)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        self.batches.append(batch.shape)
        return super().encode(batch if batch.ndim == 2 else batch[:, 0])


def test_arrays_of_one_shape_are_encoded_together_and_put_back_in_order() -> None:
    sar = spectral({"VV": -10.0}, sensor="sentinel-1-rtc")
    views = [sample(f"v{n}", {"image": coloured(RED) if n % 2 else sar}) for n in range(5)]
    encoder = Shapely()
    corpus = read_corpus([(one, "image") for one in views], encoder, batch=2)
    assert sorted(encoder.batches) == [(1, 2, 3), (2, 2, 3), (2, 3)]
    np.testing.assert_allclose(corpus.vectors[1], corpus.vectors[3])
    np.testing.assert_allclose(corpus.vectors[0], corpus.vectors[4])
    assert not np.allclose(corpus.vectors[0], corpus.vectors[1])


class Long(MeanColourEncoder):
    """Forgets to scale its vectors."""

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        return super().encode(batch) * np.float32(3)


def test_vectors_that_are_not_of_unit_length_are_refused() -> None:
    with pytest.raises(InputError, match="mean-colour gave vectors of length 3 to 3; expected unit length"):
        evaluate("class-map", Long(), held(), Options(k=2))


def test_an_unreadable_picture_stops_the_measurement() -> None:
    def broken() -> Tile:
        raise SceneError("truncated file")

    odd = sample("bad", {"image": coloured(RED)}, labels=("Red",))
    lost = type(odd)(**{**odd.__dict__, "views": (View(role="image", read=broken),)})
    with pytest.raises(SceneError, match="truncated file"):
        evaluate("class-map", MeanColourEncoder(), Held(held=(*held().held, lost)), Options(k=2))


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    evaluate("class-map", MeanColourEncoder(), held(), Options(k=2, progress=lambda *at: seen.append(at)))
    assert seen == [(done, 9) for done in range(1, 10)]


def copies() -> Held:
    """Two test pictures, one of which stands among the training pictures a little brighter."""
    test = [
        sample(f"t{n}", {"image": coloured(GREEN, noise=n)}, split="test", labels=("x",), group="g") for n in (1, 2)
    ]
    train = [
        sample(f"n{n}", {"image": coloured(GREEN, noise=n)}, split="train", labels=("x",), group="g") for n in (2, 3)
    ]
    flat = sample("flat", {"image": coloured(BLUE)}, split="test", labels=("x",))
    return Held(held=(*test, flat, *train))


def test_near_duplicates_of_training_pictures_are_found() -> None:
    leakage = evaluate("multi-label-map", MeanColourEncoder(), copies(), Options(k=1)).leakage
    assert (leakage.duplicates, leakage.measured, leakage.compared, leakage.flat) == (1, 3, 2, 1)
    assert leakage.examples == (("t2 image", "n2 image", 1.0),)
    assert leakage.shared_groups == ("g",)


def test_the_report_says_what_was_compared() -> None:
    report = evaluate("multi-label-map", MeanColourEncoder(), copies(), Options(k=1, leakage_limit=1))
    assert "1 of 3 pictures have a near-duplicate among 1 of 2 of split train" in report.to_markdown()
    assert "1 groups stand in both splits" in report.to_markdown()
    none = evaluate("multi-label-map", MeanColourEncoder(), copies(), Options(k=1, leakage_limit=0))
    assert "Leakage: not compared with the training split, as asked." in none.to_markdown()


def test_synthetic_data_are_called_so() -> None:
    made = Held(held=held().held, synthetic=True)
    report = evaluate("class-map", MeanColourEncoder(), made, Options(k=2))
    assert report.source == "synthetic"
    assert "(synthetic data)" in report.to_markdown()
    assert evaluate("class-map", MeanColourEncoder(), held(), Options(k=2)).source == "real"


def test_a_report_is_written_as_json_markdown_and_one_picture(tmp_path: Path) -> None:
    report = evaluate("class-map", MeanColourEncoder(), held(), Options(k=2))
    files = write_report(report, tmp_path / "new" / "folder")
    assert [path.name for path in files] == ["class-map.json", "class-map.md", "class-map.png"]
    content = json.loads(files[0].read_text())
    assert content["leakage"]["duplicates"] == 0
    assert content["figures"][0]["chance"] == pytest.approx(report.figures[0].chance)
    assert "(class-map.png)" in files[1].read_text()
    with Image.open(files[2]) as sheet:
        colours = np.asarray(sheet.convert("RGB"))
    # Three classes of three: every first two hits are right and framed in green, the others are not.
    framed = (colours == (26, 150, 65)).all(axis=2).any(axis=0)
    assert framed.any()
    assert not framed[: 8 + 190].any(), "queries have no frame"


def test_the_same_measurement_gives_the_same_report() -> None:
    first, second = (evaluate("class-map", MeanColourEncoder(), held(), Options(k=2)) for _ in range(2))
    assert first.to_json() == second.to_json()
