import math

import pytest

pytest.importorskip("torch", reason="training needs the extra 'torch'")

import torch  # after the skip

from embeddings.training._figures import pool_figures, precision_at
from embeddings.training._fit import frequent_terms, term_loss
from embeddings.training._losses import (
    caption_loss,
    gap_loss,
    identical_captions,
    image_loss,
    label_loss,
    pair_loss,
    same_places,
)
from tests.unit.embeddings.training_pools import COLOURS, small_pool

ONE = torch.tensor(0.0)  # logarithm of the inverse temperature
TWO_WAYS, THREE_WAYS = math.log(1 + math.exp(-1)), math.log(1 + 2 * math.exp(-1))


def nothing() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.zeros(0, 3), torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)


def test_identical_captions_are_no_negatives() -> None:
    vectors, rows = torch.eye(3), torch.tensor([7, 7, 5])
    same = identical_captions(rows)
    assert same.tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    # By hand: logits are the identity. Rows 0 and 1 have two allowed entries (1 and 0), row 2 has three (1, 0, 0).
    expected = (2 * TWO_WAYS + THREE_WAYS) / 3
    assert float(caption_loss(vectors, vectors, same, ONE)) == pytest.approx(expected, rel=1e-6)
    all_negatives = torch.zeros(3, 3, dtype=torch.bool)
    assert float(caption_loss(vectors, vectors, all_negatives, ONE)) == pytest.approx(THREE_WAYS, rel=1e-6)


def test_temperature_is_capped_at_a_hundred() -> None:
    vectors, same = torch.eye(2), torch.zeros(2, 2, dtype=torch.bool)
    hot = caption_loss(vectors, vectors.flip(0), same, torch.tensor(50.0))
    assert float(hot) == pytest.approx(100.0, rel=1e-6)


def test_label_loss_by_hand_leaves_out_what_has_no_label() -> None:
    shares = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    items = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert float(label_loss(items, torch.eye(2), shares, ONE, 0.0)) == pytest.approx(TWO_WAYS, rel=1e-6)
    assert float(label_loss(items, torch.eye(2), torch.zeros(3, 2), ONE, 0.0)) == 0.0


def test_the_gap_between_two_sensors_is_that_of_their_means() -> None:
    one, other = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert float(gap_loss(one, other)) == pytest.approx(0.5)
    assert float(gap_loss(one, one.flip(0))) == 0.0


def test_rare_classes_weigh_as_much_as_frequent_ones_where_priors_are_given() -> None:
    # Both names score alike, so the softmax is the priors: the rare class costs ln 4, the frequent one ln(4/3).
    items, names = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    priors = torch.tensor([0.25, 0.75])
    for shares, cost in (([[1.0, 0.0]], math.log(4)), ([[0.0, 1.0]], math.log(4 / 3))):
        found = label_loss(items, names, torch.tensor(shares), ONE, 0.0, priors=priors)
        assert float(found) == pytest.approx(cost, rel=1e-6)


def test_label_loss_of_an_item_with_two_labels() -> None:
    loss = label_loss(torch.tensor([[1.0, 0.0]]), torch.eye(2), torch.tensor([[0.5, 0.5]]), ONE, 0.0)
    assert float(loss) == pytest.approx(TWO_WAYS + 0.5, rel=1e-6)


def test_image_loss_by_hand_and_without_partners() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    # Items 0 and 1 are partners at similarity 1, the third is at 0 to both and has no partner: left out.
    shares = torch.eye(2)[torch.tensor([0, 0, 1])]
    assert float(image_loss(vectors, shares, 1.0)) == pytest.approx(TWO_WAYS, rel=1e-6)
    alone = vectors.clone().requires_grad_()
    loss = image_loss(alone, torch.eye(3), 1.0)
    torch.autograd.backward(loss)
    assert loss.item() == 0.0


def test_items_without_label_are_nobodys_partners() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert float(image_loss(vectors, torch.zeros(2, 2), 1.0)) == 0.0


def test_pair_loss_by_hand_with_another_date_of_the_place_and_earlier_pairs() -> None:
    vectors = torch.eye(3)
    places = torch.tensor([0, 1, 2])
    assert float(pair_loss(vectors, vectors, places, nothing(), ONE)) == pytest.approx(THREE_WAYS, rel=1e-6)
    same_site = torch.tensor([0, 0, 2])
    expected = (2 * TWO_WAYS + THREE_WAYS) / 3
    assert float(pair_loss(vectors, vectors, same_site, nothing(), ONE)) == pytest.approx(expected, rel=1e-6)
    earlier = (torch.eye(3)[:1] * 0, torch.eye(3)[:1] * 0, torch.tensor([9]))
    expected = math.log(1 + 3 * math.exp(-1))
    assert float(pair_loss(vectors, vectors, places, earlier, ONE)) == pytest.approx(expected, rel=1e-6)
    known = (earlier[0], earlier[1], torch.tensor([2]))  # an earlier view of the third place is no negative of it
    expected = (2 * math.log(1 + 3 * math.exp(-1)) + THREE_WAYS) / 3
    assert float(pair_loss(vectors, vectors, places, known, ONE)) == pytest.approx(expected, rel=1e-6)


def test_the_same_place_is_no_negative_of_itself() -> None:
    lonlat = torch.tensor([[10.0, 50.0], [10.0, 50.0], [10.0, 51.0]])
    assert same_places(lonlat).tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_term_loss_by_hand() -> None:
    items = torch.eye(2)
    shares = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.5, 0.5]])
    terms = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    # Inverse temperature exp(3). The first term ranks its only item by exp(3) to 0, the third should be even; the
    # second is used by no item and left out.
    heat = math.exp(3.0)
    first = math.log(1 + math.exp(-heat))
    third = 0.5 * first + 0.5 * (first + heat)
    assert float(term_loss(terms, items, shares)) == pytest.approx((first + third) / 2, rel=1e-6)


def test_terms_count_pictures() -> None:
    import dataclasses

    pool = dataclasses.replace(small_pool(COLOURS, 3, 1), captions=(("blue water", "water"), ("water",), ("sand",)))
    assert frequent_terms(pool, 2) == ["water"]
    assert frequent_terms(pool, 1) == ["blue", "blue water", "sand", "water"]


def test_figures_by_hand() -> None:
    assert precision_at(torch.tensor([[0.9, 0.1, 0.5]]), torch.tensor([[True, True, False]])) == pytest.approx(2 / 3)
    items = torch.eye(12)[:, :12]
    shares = torch.eye(2)[torch.arange(12) % 2]
    found = pool_figures(
        {"optical": items, "radar": items.roll(1, dims=0)},
        torch.stack([items[::2].sum(dim=0), items[1::2].sum(dim=0)]),
        shares,
        torch.zeros(0, 12),
        torch.zeros(12, 0, dtype=torch.int64),
    )
    assert found["optical.zero_shot"] == 1.0
    assert found["radar.zero_shot"] == 0.0, "every SAR item is its neighbour of the other class"
    assert found["optical.text_p10"] == pytest.approx(0.6)
    assert "optical.caption_r10" not in found


def test_an_item_without_caption_asks_nothing_and_answers_nobody() -> None:
    items = torch.eye(12)
    rows = torch.full((12, 1), -1)
    rows[0] = 4
    captions = torch.zeros(12, 12)
    captions[0, 1:] = 1.0  # the only caption points everywhere but to its own item, so ten others come first
    found = pool_figures({"optical": items}, torch.zeros(0, 12), torch.zeros(12, 0), captions, rows)
    assert found == {"optical.caption_r10": 0.0}
