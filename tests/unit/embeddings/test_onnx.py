import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from core import InputError
from embeddings import OnnxEncoder
from embeddings._looks import PictureLooks, PlanesLooks
from embeddings._onnx import _cores, _Lazy
from embeddings._weights import SHIPPED


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(SHIPPED / "swath-mini")


def no_tiles(encoder: OnnxEncoder) -> np.ndarray:
    shape = (0, 128, 128, 3) if isinstance(encoder._looks, PictureLooks) else (0, 12, 128, 128)
    return np.empty(shape, np.uint8)


def test_words_do_not_load_a_picture_network() -> None:
    fresh = OnnxEncoder(SHIPPED / "swath-mini")
    fresh.encode_text(["river"])
    assert all(session._value is None for session in fresh._sessions.values())
    assert fresh._text._value is not None


def test_order_and_batching_do_not_change_vectors(encoder: OnnxEncoder) -> None:
    texts = [f"{'long ' * (index % 7)}sentence number {index}" for index in range(70)]
    together = encoder.encode_text(texts)
    alone = np.concatenate([encoder.encode_text([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_no_text_gives_no_vector(encoder: OnnxEncoder) -> None:
    assert encoder.encode_text([]).shape == (0, 384)
    assert encoder.encode(no_tiles(encoder)).shape == (0, 384)


def test_long_text_is_cut_not_refused(encoder: OnnxEncoder) -> None:
    long = encoder.encode_text(["river " * 5000, "river " * 400])
    np.testing.assert_allclose(long[0], long[1], atol=1e-5)


@pytest.mark.parametrize("batch", [np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 12, 128, 128), np.float32)])
def test_wrong_batch_says_what_was_wanted_and_got(encoder: OnnxEncoder, batch: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"must be \(n, .*128.*\) uint8, got \(1, .*\) (uint8|float32)"):
        encoder.encode(batch)


@pytest.mark.parametrize(("count", "file"), [(2, "radar.onnx"), (3, "optical.onnx"), (12, "optical.onnx")])
def test_the_number_of_planes_tells_the_network(count: int, file: str) -> None:
    batch = np.full((1, count, 16, 16), 7, np.uint8)
    chosen, name, fed = PlanesLooks(16).feed(batch)
    assert (chosen, name) == (file, "planes")
    assert fed.shape[1] == (2 if count == 2 else 12)
    if count == 3:
        assert {number for number in range(12) if fed[0, number].any()} == {1, 2, 3}


def test_colours_reach_their_ranges_in_order() -> None:
    batch = np.stack([np.full((16, 16), value, np.uint8) for value in (10, 20, 30)])[None]
    _, _, fed = PlanesLooks(16).feed(batch)
    assert fed[0, :4, 0, 0].tolist() == [0, 30, 20, 10]  # coastal, blue, green, red


def test_travels_between_processes(encoder: OnnxEncoder) -> None:
    copy = pickle.loads(pickle.dumps(encoder))  # noqa: S301  # our own bytes
    assert copy.space == encoder.space


def test_weights_stay_small() -> None:
    size = sum(path.stat().st_size for path in (SHIPPED / "swath-mini").iterdir())
    assert size < 60_000_000


def test_lazy_value_is_made_once_for_all_threads() -> None:
    made: list[int] = []
    gate = threading.Barrier(8)

    def make() -> object:
        made.append(1)
        return object()

    lazy = _Lazy(make)

    def use() -> None:
        gate.wait()
        lazy.get()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_folder_of_a_run_opens_under_its_own_name(tmp_path: Path) -> None:
    from embeddings import open_encoder

    for path in (SHIPPED / "swath-mini").iterdir():
        (tmp_path / path.name).symlink_to(path)
    opened = open_encoder(f"onnx:{tmp_path}")
    assert opened.space.encoder == f"onnx:{tmp_path}"
    assert pickle.loads(pickle.dumps(opened)).space == opened.space  # noqa: S301  # our own bytes


@pytest.mark.parametrize(("limit", "cores"), [("3", 3), ("", 8), ("all", 8)])
def test_cores_are_those_that_a_process_was_given(monkeypatch: pytest.MonkeyPatch, limit: str, cores: int) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert _cores() == cores
