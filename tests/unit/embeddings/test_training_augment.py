import dataclasses

import pytest

pytest.importorskip("torch", reason="training needs the extra 'torch'")

import torch  # after the skip

from embeddings.training._augment import DB_STEP, LESSER, Augment
from embeddings.training._tables import AugmentConfig

STILL = AugmentConfig(
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
    band_dropout=0.0,
    db_offset=0.0,
    db_contrast=0.0,
    speckle=0.0,
    polarisation_dropout=0.0,
)
WHOLE = (1.0, 1.0)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stored(n: int, bands: int, side: int) -> torch.Tensor:
    return torch.randint(1, 255, (n, bands, side, side), dtype=torch.uint8, generator=generator(9))


def views(config: AugmentConfig, planes: torch.Tensor, seed: int = 0, side: int = 16) -> torch.Tensor:
    light, _ = Augment(config, side)(planes, None, WHOLE, generator(seed))
    assert light is not None
    return light


def echoes(config: AugmentConfig, planes: torch.Tensor, seed: int = 0, side: int = 16) -> torch.Tensor:
    _, echo = Augment(config, side)(None, planes, WHOLE, generator(seed))
    assert echo is not None
    return echo


@pytest.mark.parametrize("bands", [3, 12])
def test_without_strength_a_view_is_one_of_the_eight_symmetries(bands: int) -> None:
    planes = stored(40, bands, 16)
    seen = set()
    for picture, view in zip(planes.float(), views(STILL, planes), strict=True):
        turned = [torch.rot90(base, turn, (1, 2)) for base in (picture, picture.flip(2)) for turn in range(4)]
        errors = [float((one - view).abs().max()) for one in turned]
        assert min(errors) < 0.01
        seen.add(errors.index(min(errors)))
    assert seen == set(range(8))


def test_optical_and_sar_view_of_a_place_are_turned_alike() -> None:
    planes = stored(8, 2, 16)
    light, echo = Augment(STILL, 16)(torch.cat([planes, planes[:, :1]], dim=1), planes, WHOLE, generator(3))
    assert light is not None
    assert echo is not None
    torch.testing.assert_close(light[:, :2], echo, atol=0.02, rtol=0)


def test_same_seed_same_views_and_another_seed_others() -> None:
    planes, config = stored(8, 3, 24), AugmentConfig(blur_side=(4, 12))
    first, again, other = (views(config, planes, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (8, 3, 16, 16)
    assert 1.0 <= float(first.min()) <= float(first.max()) <= 255.0


def test_augmentation_leaves_the_stored_planes_alone() -> None:
    planes = stored(8, 12, 24)
    before = planes.clone()
    views(AugmentConfig(blur_side=(4, 12)), planes, 1)
    assert torch.equal(planes, before)


def test_absent_planes_stay_absent() -> None:
    planes = stored(30, 12, 16)
    planes[:, 4] = 0
    echo = stored(30, 2, 16)
    echo[:, 1] = 0
    for seed in range(3):
        light = views(AugmentConfig(blur_side=(4, 12)), planes, seed)
        assert not light[:, 4].any()
        assert not echoes(AugmentConfig(blur_side=(4, 12)), echo, seed)[:, 1].any()
        assert light.amax(dim=(1, 2, 3)).min() >= 1.0, "something is always left"


def test_band_dropout_leaves_the_bands_of_a_lesser_sensor() -> None:
    out = views(dataclasses.replace(STILL, band_dropout=1.0), stored(200, 12, 16))
    seen = {tuple((item.amax(dim=(1, 2)) > 0).nonzero()[:, 0].tolist()) for item in out}
    assert seen == {tuple(sorted(bands)) for bands in LESSER}


def test_band_dropout_never_leaves_nothing() -> None:
    planes = stored(200, 12, 16)
    planes[:, [0, 1, 2, 3, 4, 5, 6, 8, 9]] = 0  # near and shortwave infrared alone
    out = views(dataclasses.replace(STILL, band_dropout=1.0), planes)
    assert (out.amax(dim=(1, 2, 3)) >= 1.0).all()


def test_polarisation_dropout_mostly_drops_the_cross_polarised() -> None:
    config = dataclasses.replace(STILL, polarisation_dropout=1.0)
    present = echoes(config, stored(200, 2, 16)).amax(dim=(2, 3)) > 0
    assert (present.sum(dim=1) == 1).all()
    assert 0.7 < float(present[:, 0].float().mean()) < 0.9


def test_db_offset_is_in_db() -> None:
    flat = torch.full((400, 2, 16, 16), 128, dtype=torch.uint8)
    moved = (echoes(dataclasses.replace(STILL, db_offset=1.5), flat).mean(dim=(2, 3)) - 128.0) * DB_STEP
    # one draw of 1.5 dB for the item and half of it for each polarisation
    assert float(moved.std()) == pytest.approx((1.5**2 + 0.75**2) ** 0.5, rel=0.1)
    assert float((moved[:, 0] - moved[:, 1]).std()) == pytest.approx(0.75 * 2**0.5, rel=0.1)
