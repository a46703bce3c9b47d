from __future__ import annotations

import numpy as np
import pytest

from demo._ground import Ground, ground
from demo._noise import stream
from demo._optical import OpticalScene, render_optical
from demo._radar import render_radar
from demo._scenes import SCENE_PIXELS, SCENES, SceneFrame
from demo._weather import Sky, sky
from demo._world import World, design

SEED = 7


class Stage:
    """Draws scenes on demand and keeps them, because each takes a second."""

    def __init__(self) -> None:
        self.world: World = design(SEED)
        self._ground: dict[str, Ground] = {}
        self._optical: dict[tuple[str, int], OpticalScene] = {}
        self._radar: dict[tuple[str, int], np.ndarray] = {}

    def frame(self, name: str) -> SceneFrame:
        return next(frame for frame in SCENES if frame.name == name)

    def ground(self, name: str) -> Ground:
        if name not in self._ground:
            frame = self.frame(name)
            self._ground[name] = ground(self.world, column=frame.column, row=frame.row, seed=SEED)
        return self._ground[name]

    def sky(self, name: str, epoch: int) -> Sky:
        return sky(name, epoch, SCENE_PIXELS, SEED)

    def optical(self, name: str, epoch: int) -> OpticalScene:
        key = (name, epoch)
        if key not in self._optical:
            noise = stream(SEED, "optical", name, epoch)
            self._optical[key] = render_optical(self.ground(name), self.sky(name, epoch), epoch, noise)
        return self._optical[key]

    def radar(self, name: str, epoch: int) -> np.ndarray:
        key = (name, epoch)
        if key not in self._radar:
            self._radar[key] = render_radar(self.ground(name), epoch, stream(SEED, "radar", name, epoch))
        return self._radar[key]

    def where(self, name: str, epoch: int, *codes: int) -> np.ndarray:
        """(h, w) of 10 m: True where the whole pixel and its neighbours are of these covers and no cloud is near."""
        fine = np.isin(self.ground(name).covers[epoch], codes)
        size = SCENE_PIXELS
        whole = fine.reshape(size, 2, size, 2).all(axis=(1, 3))
        for axis in (0, 1):
            for by in (-2, -1, 1, 2):
                whole = whole & np.roll(whole, by, axis)
        view = self.sky(name, epoch)
        return np.asarray(whole & (view.cloud < 0.01) & (view.shadow < 0.01))


@pytest.fixture(scope="session")
def stage() -> Stage:
    return Stage()
