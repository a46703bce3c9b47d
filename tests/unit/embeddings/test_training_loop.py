"""Steps on small pools: resuming, gradient caching, places, held-out items. The networks are small ones."""

import dataclasses
import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the extra 'torch'")

import torch  # after the skip
from safetensors.torch import load_file, save_file

from core import ConfigError
from embeddings.training._checkpoint import Position
from embeddings.training._draw import Drawing
from embeddings.training._loop import Trainer
from embeddings.training._passes import Encoded, Passes, running_statistics_kept
from embeddings.training._tables import LocationConfig
from tests.unit.embeddings.training_pools import (
    CONFIG,
    SmallEncoder,
    SmallNetwork,
    small_run,
    small_trainer,
    with_optimiser,
)


class KilledError(Exception):
    """Stands for the end of the process."""


class Killed(Trainer):
    """A run that is cut off before a step."""

    at = 0

    def step(self, step: int) -> float:
        if step == self.at:
            raise KilledError
        return super().step(step)


def look_away(position: Position) -> None:
    assert position.step > 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    small_trainer().run(folder, "recipe", resume=False, after_look=look_away)
    return folder


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_killed_before_any_step_and_resumed_it_is_the_same_run(at: int, undisturbed: Path, tmp_path: Path) -> None:
    killed = small_trainer(kind=Killed)
    assert isinstance(killed, Killed)
    killed.at = at
    with pytest.raises(KilledError):
        killed.run(tmp_path, "recipe", resume=False, after_look=look_away)
    position = small_trainer().run(tmp_path, "recipe", resume=True, after_look=look_away)
    assert position.step == 5
    resumed, expected = load_file(tmp_path / "last.safetensors"), load_file(undisturbed / "last.safetensors")
    assert resumed.keys() == expected.keys()
    assert {name.split(".")[0] for name in expected} == {"model", "average", "optimiser", "queue"}
    different = [name for name, value in expected.items() if not torch.equal(resumed[name], value)]
    assert different == []


def test_queue_holds_the_newest_pairs(undisturbed: Path) -> None:
    kept = load_file(undisturbed / "last.safetensors")
    assert kept["queue.1.0"].shape == kept["queue.1.1"].shape == (6, 384)
    assert kept["queue.1.2"].shape == (6,)


def test_training_moves_every_part(undisturbed: Path) -> None:
    fresh = small_trainer().model.state_dict()
    final = load_file(undisturbed / "last.safetensors")
    for name in ("optical.head.weight", "radar.head.weight", "text.weight", "caption_scale", "pair_scale"):
        assert not torch.equal(fresh[name], final[f"model.{name}"]), name
        assert not torch.equal(final[f"average.{name}"], final[f"model.{name}"]), "averaged weights lag behind"


def test_another_recipe_does_not_resume(undisturbed: Path) -> None:
    with pytest.raises(ConfigError, match="another configuration or other data"):
        small_trainer().run(undisturbed, "another", resume=True, after_look=look_away)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "last.safetensors")
    with pytest.raises(ConfigError, match=r"last\.safetensors is not a checkpoint of `swath train`"):
        small_trainer().run(tmp_path, "recipe", resume=True, after_look=look_away)


def test_every_look_holds_loss_terms_and_figures_of_each_sensor(undisturbed: Path) -> None:
    history = json.loads((undisturbed / "last.json").read_text())["history"]
    assert [row["step"] for row in history] == [5]
    row = history[0]
    assert {"loss.caption", "loss.colours.label", "loss.colours.image", "loss.pairs.label", "loss.pairs.pair"} <= set(
        row
    )
    assert {"colours.optical.zero_shot", "pairs.radar.zero_shot", "pairs.radar_to_optical_r10"} <= set(row)
    parts = row["loss.caption"] + 0.7 * row["loss.colours.label"] + 0.5 * row["loss.colours.image"]
    # a pool with two sensors adds its label term once for each, and the figure is the mean of the two
    assert row["loss"] == pytest.approx(parts + 0.3 * 2 * row["loss.pairs.label"] + row["loss.pairs.pair"], rel=1e-5)


def test_every_item_is_drawn_once_a_pass() -> None:
    trainer = small_trainer()
    drawing = Drawing(trainer.config, trainer.pools, trainer.model)
    first = torch.cat([drawing.draw(step)[0].rows for step in (0, 1)])  # 14 items, 6 a step: two steps a pass
    second = torch.cat([drawing.draw(step)[0].rows for step in (2, 3)])
    assert len(set(first.tolist())) == len(set(second.tolist())) == 12
    assert first.tolist() != second.tolist()


def gradients(trainer: Trainer, chunk: int, *, frozen: bool) -> tuple[float, dict[str, torch.Tensor]]:
    trainer.model.train(not frozen)
    trainer.model.zero_grad()
    trainer.objective.queues = {1: trainer.objective._no_pairs()}
    passes = Passes(trainer.model, dataclasses.replace(trainer.config.optimiser, chunk=chunk), trainer.device)
    generator = trainer.drawing.generator(0, 3)
    loss = passes.backward(trainer.drawing.draw(0), lambda encoded: trainer.objective(encoded, generator))
    found = {name: p.grad.clone() for name, p in trainer.model.named_parameters() if p.grad is not None}
    return loss, found


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return small_trainer()


@pytest.mark.parametrize(("chunk", "frozen"), [(3, True), (100, True), (100, False)])
def test_cached_gradients_are_those_of_the_plain_step(trainer: Trainer, chunk: int, frozen: bool) -> None:
    # Batch normalisation sees each chunk by itself: with fresh statistics only one chunk of everything is the same.
    plain_loss, plain = gradients(trainer, 0, frozen=frozen)
    loss, cached = gradients(trainer, chunk, frozen=frozen)
    assert loss == pytest.approx(plain_loss, abs=1e-5)
    assert cached.keys() == plain.keys()
    for name, value in plain.items():
        error = float((cached[name] - value).abs().max())
        assert error <= 1e-5 * max(1.0, float(value.abs().max())), name
    assert float(max(value.abs().max() for value in plain.values())) > 1e-3


def test_the_first_pass_leaves_the_running_statistics_alone(trainer: Trainer) -> None:
    trainer.model.train()
    views = [item for item in trainer.drawing.draw(0) if item.optical is not None]
    before = {name: value.clone() for name, value in trainer.model.named_buffers()}
    with torch.no_grad(), running_statistics_kept(trainer.model):
        trainer.model.optical(views[0].optical)
    assert all(torch.equal(before[name], value) for name, value in trainer.model.named_buffers())
    with torch.no_grad():
        trainer.model.optical(views[0].optical)
    assert any(not torch.equal(before[name], value) for name, value in trainer.model.named_buffers())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_runs_on_whatever_device_there_is(precision: str) -> None:
    trainer = small_trainer(with_optimiser(precision=precision, steps=1))
    assert isinstance(trainer.model, SmallNetwork)
    before = trainer.model.state_dict()["optical.head.weight"].clone()
    loss = trainer.step(0)
    assert loss == pytest.approx(loss)
    assert {p.device.type for p in trainer.model.parameters()} == {trainer.device.type}
    assert {p.dtype for p in trainer.model.parameters()} == {torch.float32}
    assert not torch.equal(before, trainer.model.state_dict()["optical.head.weight"])


def placed_run(weight: float, steps: int) -> Trainer:
    """One pool whose pictures are as bright as their place is far north."""
    config, splits, table = small_run(
        dataclasses.replace(
            with_optimiser(steps=steps, learning_rate=3e-3, warmup=0.1, ema=0.5),
            location=LocationConfig(weight=weight, width=64),
        )
    )
    colours = dataclasses.replace(config.pools[0], caption=0.0, label=0.0, image=0.0, batch=14)
    pool = splits[0].train
    level = torch.linspace(20, 230, len(pool))
    planes = level[:, None, None, None].expand(-1, 3, 32, 32).to(torch.uint8).contiguous()
    lonlat = torch.stack([torch.full((len(pool),), 10.0), torch.linspace(-80, 80, len(pool))], dim=1)
    pool = dataclasses.replace(pool, config=colours, optical=planes, centroids=lonlat)
    still = {"brightness": 0.0, "contrast": 0.0, "gamma": 0.0, "offset": 0.0, "gain": 0.0, "cutout": 0.0, "blur": 0.0}
    config = dataclasses.replace(
        config,
        pools=(colours,),
        augment=dataclasses.replace(config.augment, **still),  # type: ignore[arg-type]
    )
    table = dataclasses.replace(table, rows=(table.rows[0], table.rows[0]))
    return Trainer(config, [dataclasses.replace(splits[0], train=pool, val=pool)], table, SmallEncoder(config))


def test_places_are_learned_where_they_are_asked_for() -> None:
    trainer = placed_run(1.0, 60)
    losses = [trainer.step(step) for step in range(60)]
    assert losses[0] > 2.0, "about log(14) at the start"
    assert sum(losses[-5:]) / 5 < 0.6 * losses[0]
    assert trainer.look()["colours.optical.place_r10"] > 0.9, "chance is 10 of 14"


def test_places_cost_nothing_where_they_are_not() -> None:
    assert placed_run(0.0, 1).model.location is None
    assert not any(name.startswith("location") for name in placed_run(0.0, 1).model.state_dict())


def test_places_without_a_single_place_are_refused() -> None:
    config = dataclasses.replace(CONFIG, location=LocationConfig(weight=0.5))
    with pytest.raises(ConfigError, match=r"location\.weight is set, but no item of any pool has a place"):
        small_trainer(config)


def test_items_without_a_place_take_no_part_in_the_contrast_of_places() -> None:
    trainer = placed_run(1.0, 1)
    trainer.objective._pools[0].centroids[1:] = float("nan")
    vectors = torch.nn.functional.normalize(torch.randn(14, 384), dim=1)
    encoded = [Encoded(pool=0, rows=torch.arange(14), optical=vectors, radar=None)]
    assert float(trainer.objective._place_term(encoded).detach()) == 0.0, "one place alone has nothing to be told from"
