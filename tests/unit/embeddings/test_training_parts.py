import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'torch'")

import torch  # after the skip

from embeddings.training._augment import Augment  # after the skip
from embeddings.training._compress import blockwise_int8
from embeddings.training._config import AugmentConfig, ImageConfig
from embeddings.training._data import CaptionedPictures
from embeddings.training._fit import frequent_terms, term_loss
from embeddings.training._losses import caption_loss, identical_captions, image_loss, label_loss
from embeddings.training._metrics import caption_recall, precision_at, precision_at_mask
from embeddings.training._model import ImageTower, TwoTowers

STILL = AugmentConfig(
    scale=(1.0, 1.0),
    aspect=0.0,
    rotation=0.0,
    gain=0.0,
    brightness=0.0,
    contrast=0.0,
    gamma=0.0,
    offset=0.0,
    saturation=(1.0, 1.0),
    grayscale=0.0,
    channel_shuffle=0.0,
    blur=0.0,
    noise=0.0,
    cutout=0.0,
)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, side: int) -> torch.Tensor:
    return torch.randint(1, 255, (n, side, side, 3), dtype=torch.uint8, generator=generator(9))


def test_without_strength_a_view_is_one_of_the_eight_symmetries() -> None:
    stored = pictures(40, 16)
    views = Augment(STILL, 16)(stored, generator(0))
    seen = set()
    for picture, view in zip(stored.permute(0, 3, 1, 2).float() / 255, views, strict=True):
        turned = [torch.rot90(base, turn, (1, 2)) for base in (picture, picture.flip(2)) for turn in range(4)]
        errors = [float((one - view).abs().max()) for one in turned]
        assert min(errors) < 0.01
        seen.add(errors.index(min(errors)))
    assert seen == set(range(8))


def test_same_seed_same_views_and_another_seed_others() -> None:
    stored = pictures(8, 24)
    augment = Augment(AugmentConfig(blur_side=(4, 12)), 16)
    first, again, other = (augment(stored, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (8, 3, 16, 16)
    assert 0.0 <= float(first.min()) <= float(first.max()) <= 1.0


def test_augmentation_leaves_the_stored_pictures_alone() -> None:
    stored = pictures(8, 24)
    before = stored.clone()
    Augment(AugmentConfig(blur_side=(4, 12)), 16)(stored, generator(1))
    assert torch.equal(stored, before)


def test_identical_captions_are_no_negatives() -> None:
    vectors = torch.eye(3)
    groups = torch.tensor([7, 7, 5])
    same = identical_captions(groups)
    assert same.tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    scale = torch.tensor(0.0)
    # By hand: logits are the identity. Rows 0 and 1 have two allowed entries (1 and 0), row 2 has three (1, 0, 0).
    two, three = math.log(1 + math.exp(-1)), math.log(1 + 2 * math.exp(-1))
    expected = (2 * two + three) / 3
    assert float(caption_loss(vectors, vectors, same, scale)) == pytest.approx(expected, rel=1e-6)
    all_negatives = torch.zeros(3, 3, dtype=torch.bool)
    assert float(caption_loss(vectors, vectors, all_negatives, scale)) == pytest.approx(three, rel=1e-6)


def test_label_loss_by_hand() -> None:
    loss = label_loss(torch.eye(2), torch.eye(2), torch.tensor([0, 1]), torch.tensor(0.0), 0.0)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-6)


def test_image_loss_by_hand_and_without_partners() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    # Pictures 0 and 1 are partners at similarity 1, the third is at 0 to both and has no partner: left out.
    expected = math.log(1 + math.exp(-1))
    assert float(image_loss(vectors, torch.tensor([0, 0, 1]), 1.0)) == pytest.approx(expected, rel=1e-6)
    alone = vectors.clone().requires_grad_()
    loss = image_loss(alone, torch.tensor([0, 1, 2]), 1.0)
    torch.autograd.backward(loss)
    assert loss.item() == 0.0


def test_validation_precision_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.8, 0.1, 0.0], [0.0, 0.1, 0.8, 0.9]])
    labels = torch.tensor([0, 1, 1, 0])
    assert precision_at(scores, torch.tensor([0, 1]), labels, k=2) == pytest.approx(0.5)
    assert precision_at(scores, torch.tensor([0, 0]), labels, k=1) == pytest.approx(1.0)


def test_term_loss_by_hand() -> None:
    pictures = torch.eye(2)
    shares = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.5, 0.5]])
    terms = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    # The first term ranks its only picture by 1 to 0, the third should be even: cross-entropies by hand; the second
    # is used by no picture and left out.
    first = math.log(1 + math.exp(-1))
    third = 0.5 * first + 0.5 * (first + 1)
    assert float(term_loss(terms, pictures, shares, torch.tensor(0.0))) == pytest.approx((first + third) / 2, rel=1e-6)


def test_terms_count_pictures_and_shares_count_captions() -> None:
    split = CaptionedPictures(
        pictures=np.zeros((3, 4, 4, 3), np.uint8),
        labels=np.zeros(3, np.int64),
        captions=(("blue water", "water"), ("water",), ("sand",)),
        names=("beach",),
    )
    assert frequent_terms(split, 2) == ["water"]
    assert frequent_terms(split, 1) == ["blue", "blue water", "sand", "water"]


def test_precision_from_a_mask_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.1, 0.5]])
    assert precision_at_mask(scores, torch.tensor([[True, True, False]]), k=2) == pytest.approx(0.5)


def test_identical_caption_of_another_picture_counts() -> None:
    scores = torch.tensor([[0.1, 0.9], [0.9, 0.1]])
    captions = torch.tensor([[3, 4], [5, 3]])
    assert caption_recall(scores, torch.tensor([3, 5]), captions, k=1) == pytest.approx(0.5)
    assert caption_recall(scores, torch.tensor([3, 5]), captions, k=2) == pytest.approx(1.0)


def test_blocks_keep_small_numbers_beside_large_ones() -> None:
    values = np.full((2, 64), 0.001, dtype=np.float32)
    values[0, 0] = 100.0
    numbers, scale = blockwise_int8(values)
    restored = (numbers.astype(np.float32) * scale.astype(np.float32)).reshape(2, 64)
    assert numbers.shape == (2, 2, 32)
    np.testing.assert_allclose(restored[:, 32:], 0.001, rtol=0.01)
    np.testing.assert_allclose(restored[1], 0.001, rtol=0.01)
    assert restored[0, 0] == pytest.approx(100.0, rel=0.01)


@pytest.mark.parametrize("size", [96, 100, 128])
def test_tower_takes_any_side(size: int) -> None:
    tower = ImageTower(ImageConfig(widths=(8, 8, 8, 8), depths=(1, 1, 1, 1))).eval()
    assert tower(torch.zeros(2, 3, size, size)).shape == (2, 384)


def test_projection_starts_as_the_identity() -> None:
    towers = TwoTowers(ImageConfig(widths=(8,), depths=(1,)))
    vectors = torch.nn.functional.normalize(torch.randn(4, 384, generator=generator(3)), dim=1)
    torch.testing.assert_close(towers.encode_sentences(vectors), vectors)
