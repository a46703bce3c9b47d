import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from core import InputError
from embeddings import OnnxEncoder
from embeddings._onnx import _Lazy
from embeddings._weights import SHIPPED


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(SHIPPED / "swath-mini")


def test_words_do_not_load_the_picture_network() -> None:
    fresh = OnnxEncoder(SHIPPED / "swath-mini")
    fresh.encode_text(["river"])
    assert fresh._image._value is None
    assert fresh._text._value is not None


def test_order_and_batching_do_not_change_vectors(encoder: OnnxEncoder) -> None:
    texts = [f"{'long ' * (index % 7)}sentence number {index}" for index in range(100)]
    together = encoder.encode_text(texts)
    alone = np.concatenate([encoder.encode_text([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_no_text_gives_no_vector(encoder: OnnxEncoder) -> None:
    assert encoder.encode_text([]).shape == (0, 384)
    assert encoder.encode(np.empty((0, 128, 128, 3), np.uint8)).shape == (0, 384)


def test_long_text_is_cut_not_refused(encoder: OnnxEncoder) -> None:
    long = encoder.encode_text(["river " * 5000, "river " * 400])
    np.testing.assert_allclose(long[0], long[1], atol=1e-5)


@pytest.mark.parametrize("batch", [np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 128, 128, 3), np.float32)])
def test_wrong_batch_says_what_was_wanted_and_got(encoder: OnnxEncoder, batch: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"\(n, 128, 128, 3\) uint8, got"):
        encoder.encode(batch)


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
