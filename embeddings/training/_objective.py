"""The loss of a step: captions, class names, pictures, optical with SAR, and places, each with its weight."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from core import ConfigError

from ._config import TrainingConfig
from ._losses import caption_loss, gap_loss, identical_captions, image_loss, label_loss, pair_loss, same_places
from ._network import Network
from ._passes import Encoded
from ._pools import Pool
from ._text import SentenceTable


class Objective:
    """Adds up the loss terms of a step and remembers their means and the earlier pairs."""

    def __init__(self, config: TrainingConfig, pools: Sequence[Pool], table: SentenceTable, model: Network) -> None:
        """Set up on the device of `model`.

        Raises:
            ConfigError: A term is asked for that the pools have nothing for.
        """
        self._config = config
        self._pools = pools
        self._model = model
        self._device = model.text.weight.device
        self._vectors = table.vectors.to(self._device)
        self._rows = table.rows[: len(pools)]
        self._places = [_numbered(pool.places) for pool in pools]
        self._priors = [pool.priors.to(self._device) if pool.config.balanced else None for pool in pools]
        self._terms: dict[str, list[float]] = {}
        self.queues = {index: self._no_pairs() for index, pool in enumerate(pools) if pool.config.pair}
        """Earlier pairs of each pool with an optical-SAR term: two sets of vectors and the sites."""
        if config.location.weight and not any(bool(pool.centroids.isfinite().any()) for pool in pools):
            raise ConfigError("location.weight is set, but no item of any pool has a place")

    def __call__(self, encoded: list[Encoded], generator: Generator) -> Tensor:
        """Return the loss of a step."""
        template = int(torch.randint(len(self._config.text.templates), (1,), generator=generator))
        total = self._caption_term(encoded, generator)
        self._note("caption", total)
        for item in encoded:
            total = self._class_terms(item, template, total)
            config = self._pools[item.pool].config
            if config.pair:
                by_pair = self._pair_term(item)
                self._note(f"{config.name}.pair", by_pair)
                total = total + config.pair * by_pair + self._gap_term(item)
        if self._config.location.weight:
            by_place = self._place_term(encoded)
            self._note("location", by_place)
            total = total + self._config.location.weight * by_place
        return total

    def noted(self) -> dict[str, float]:
        """Return the mean of each loss term since the last call."""
        means = {f"loss.{term}": sum(values) / len(values) for term, values in self._terms.items()}
        self._terms.clear()
        return means

    def _class_terms(self, item: Encoded, template: int, total: Tensor) -> Tensor:
        config, rows = self._pools[item.pool].config, self._rows[item.pool]
        shares = self._pools[item.pool].shares[item.rows].to(self._device)
        for part in item.parts if config.label else []:
            names = self._model.encode_sentences(self._vectors[rows.names[template]])
            smoothing = self._config.loss.label_smoothing
            priors = self._priors[item.pool]
            by_label = label_loss(part, names, shares, self._model.label_scale, smoothing, priors=priors)
            self._note(f"{config.name}.label", by_label)
            total = total + config.label * by_label
        for part in item.parts if config.image else []:
            by_image = image_loss(part, shares, self._config.loss.image_temperature)
            self._note(f"{config.name}.image", by_image)
            total = total + config.image * by_image
        return total

    def _caption_term(self, encoded: list[Encoded], generator: Generator) -> Tensor:
        """Return the contrast of all captioned items of the step, whatever their sensor, with their captions."""
        vectors, sentences, weights = [], [], []
        for item in encoded:
            config, rows = self._pools[item.pool].config, self._rows[item.pool].captions[item.rows]
            if not config.caption or rows.shape[1] == 0:
                continue
            picked = rows.gather(1, torch.randint(rows.shape[1], (len(rows), 1), generator=generator))[:, 0]
            for part in item.parts:
                vectors.append(part[picked >= 0])
                sentences.append(picked[picked >= 0])
                weights.append(torch.full((len(sentences[-1]),), config.caption))
        if not vectors:
            return self._model.text.weight.sum() * 0.0
        rows = torch.cat(sentences)
        captions = self._model.encode_sentences(self._vectors[rows])
        same = identical_captions(rows).to(self._device)
        counted = torch.cat(weights).to(self._device)
        return caption_loss(torch.cat(vectors), captions, same, self._model.caption_scale, counted)

    def _pair_term(self, item: Encoded) -> Tensor:
        if item.optical is None or item.radar is None:
            raise ValueError(f"pool {self._pools[item.pool].config.name} has no pairs")
        places, earlier = self._places[item.pool][item.rows].to(self._device), self.queues[item.pool]
        loss = pair_loss(item.optical, item.radar, places, earlier, self._model.pair_scale)
        fresh = (item.optical.detach(), item.radar.detach(), places)
        kept = self._config.loss.queue
        joined = [torch.cat([new, old])[:kept] for new, old in zip(fresh, earlier, strict=True)]
        self.queues[item.pool] = (joined[0], joined[1], joined[2])
        return loss

    def _gap_term(self, item: Encoded) -> Tensor:
        weight = self._config.loss.gap
        if not weight or item.optical is None or item.radar is None:
            return self._model.text.weight.sum() * 0.0
        gap = gap_loss(item.optical, item.radar)
        self._note(f"{self._pools[item.pool].config.name}.gap", gap)
        return weight * gap

    def _place_term(self, encoded: list[Encoded]) -> Tensor:
        """Return the contrast of all items of the step that have a place with these places."""
        vectors, places = [], []
        for item in encoded:
            lonlat = self._pools[item.pool].centroids[item.rows].to(self._device)
            known = lonlat.isfinite().all(dim=1)
            vectors += [part[known] for part in item.parts]
            places += [lonlat[known] for _ in item.parts]
        lonlat = torch.cat(places)
        if len(lonlat) < 2:
            return self._model.text.weight.sum() * 0.0
        found = self._model.encode_places(lonlat)
        return caption_loss(torch.cat(vectors), found, same_places(lonlat), self._model.location_scale)

    def _note(self, term: str, value: Tensor) -> None:
        self._terms.setdefault(term, []).append(float(value.detach()))

    def _no_pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        nothing = torch.zeros(0, self._model.dim, device=self._device)
        return nothing, nothing.clone(), torch.zeros(0, dtype=torch.int64, device=self._device)


def _numbered(places: tuple[str, ...]) -> Tensor:
    number = {place: index for index, place in enumerate(sorted(set(places)))}
    return torch.tensor([number[place] for place in places])
