"""Scenes whose pixels are made up when they are read, for tests of what becomes of them."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from core import BadScene, Scene, Tile
from indexer import TilingOptions
from tests.unit.indexer.doubles import tile


@dataclass
class Content:
    """What a made-up scene gives when it is read."""

    rows: int = 1
    cols: int = 1
    dropped: frozenset[tuple[int, int]] = frozenset()
    broken: Mapping[tuple[int, int], Exception] = field(default_factory=dict)
    unopenable: Exception | None = None
    seconds: float = 0.0


class World:
    """Made-up scenes by id, and a log of the tiles that were read."""

    def __init__(self) -> None:
        self.content: dict[str, Content] = {}
        self.read: list[str] = []
        self.threads: set[str] = set()

    def open(self, asked: Scene, _: TilingOptions) -> "OpenFake":
        content = self.content.get(asked.scene_id, Content())
        if content.unopenable:
            raise content.unopenable
        return OpenFake(asked, content, self)


class OpenFake:
    def __init__(self, asked: Scene, content: Content, world: World) -> None:
        self.scene, self.content, self.world = asked, content, world
        self.rows, self.cols = content.rows, content.cols

    def __enter__(self) -> "OpenFake":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, row: int, col: int) -> Tile | None:
        time.sleep(self.content.seconds)
        if (row, col) in self.content.broken:
            raise self.content.broken[row, col]
        if (row, col) in self.content.dropped:
            return None
        made = tile(scene_id=self.scene.scene_id, collection=self.scene.collection, row=row, col=col,
                    colour=(row, col, 100), when=self.scene.datetime)  # fmt: skip
        self.world.read.append(made.tile_id)
        self.world.threads.add(threading.current_thread().name)
        return replace(made, href=self.scene.href)


class Source:
    def __init__(self, *found: Scene | BadScene | Exception) -> None:
        self.found = found

    def scenes(self) -> Iterator[Scene | BadScene]:
        for entry in self.found:
            if isinstance(entry, Exception):
                raise entry
            yield entry
