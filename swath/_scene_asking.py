"""Questions to one huge scene, with an index beside it or without."""

from __future__ import annotations

import json
import os
from pathlib import Path

from core import EncodesText, InputError, Settings, sensor_file
from embeddings import DEFAULT_ENCODER, EncodesBoth, open_encoder
from retriever.rag import Archive, Asker
from retriever.rag.scene import open_scene
from swath._asking import asker_of
from swath._progress import Line


def scene_asker(path: Path, *, index_dir: str | None, sensor: str | None, use_model: bool) -> Asker:
    """Cut a scene, or take it from the cache, and return what answers questions about it.

    Args:
        path: The scene.
        index_dir: An index whose labelled tiles and knowledge help; None goes by the scene alone.
        sensor: As for ``swath index``.
        use_model: Whether the model that the settings name writes.

    Raises:
        InputError: The scene, the index or the sensor cannot be used.
        SceneError: The file is damaged or empty.
        StoreError: The index or the cache cannot be read.
    """
    encoder, beside = _encoder_and_index(index_dir)
    _make_known(sensor)
    try:
        with Line("cutting the scene") as line:
            scene = open_scene(path, encoder, sensor=sensor, beside=beside, progress=line.ingest)
    except InputError as error:  # --sensor, which indexing has for this, is a filter here
        raise InputError(str(error).replace("--sensor", "--scene-sensor")) from None
    return asker_of(scene.archive, use_model=use_model)


def _make_known(sensor: str | None) -> None:
    """Let a sensor file that is named for the scene be found when its tiles are drawn and measured."""
    path = None if sensor is None else sensor_file(sensor)
    if path is not None:
        os.environ["SWATH_SENSOR_FILES"] = json.dumps([*Settings().sensor_files, str(path.resolve())])


def _encoder_and_index(index_dir: str | None) -> tuple[EncodesBoth, Archive | None]:
    import swath

    index = None if index_dir is None else swath.open(index_dir)
    encoder = open_encoder(DEFAULT_ENCODER) if index is None else index.encoder
    if not isinstance(encoder, EncodesText):
        raise InputError(f"{encoder.space} understands no words; ask with an index of another encoder")
    return encoder, None if index is None else index.archive()
