"""The encoder that filled an index as an item of the STAC extension for machine learning models."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from api.stac._catalogue import Catalogue
from api.stac._items import STAC_VERSION
from api.stac._roots import Root
from core import rfc3339
from embeddings import EncoderCard, describe_encoders

MLM = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"

_WORLD = [-180.0, -90.0, 180.0, 90.0]


def model_item(catalogue: Catalogue, root: Root) -> dict[str, Any]:
    """Return the encoder as a STAC item: what goes in, what comes out, where it is published."""
    space = catalogue.space
    card = _cards().get(space.encoder)
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [MLM],
        "id": f"{space.encoder}@{space.revision}",
        "geometry": {"type": "Polygon", "coordinates": [_ring()]},
        "bbox": _WORLD,
        "properties": {
            "title": f"Encoder of the index {root.service.name}",
            "datetime": rfc3339(catalogue.indexed),
            "mlm:name": _model_name(space.encoder),
            "mlm:architecture": "unknown" if card is None else card.architecture,
            "mlm:tasks": ["similarity-search"],
            "mlm:framework": "ONNX" if card is not None and card.row.needs is None else "PyTorch",
            "mlm:pretrained": True,
            "mlm:input": _inputs(card),
            "mlm:output": [_output(space.dim)],
            "swath:revision": space.revision,
            "swath:metric": space.metric,
            **({} if card is None else {"license": "other", "swath:licence": card.row.licence}),
        },
        "links": [
            {"rel": "self", "href": root.to("encoder"), "type": "application/geo+json"},
            {"rel": "root", "href": root.url, "type": "application/json"},
            {"rel": "parent", "href": root.url, "type": "application/json"},
        ],
        "assets": {"model": _model_asset(card, root)},
    }


@cache
def _cards() -> dict[str, EncoderCard]:
    """Cards are read from files that come with Swath; they do not change while it runs."""
    return {card.row.name: card for card in describe_encoders()}


def _ring() -> list[list[float]]:
    west, south, east, north = _WORLD
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _model_name(name: str) -> str:
    """The extension lets a name have letters, digits, dots, dashes, underscores and spaces, and begin with a letter."""
    plain = re.sub(r"[^A-Za-z0-9_.\-]+", "-", name).strip("-_.")
    return plain if plain[:1].isalpha() and len(plain) > 2 else f"model-{plain or 'unnamed'}"


def _inputs(card: EncoderCard | None) -> list[dict[str, Any]]:
    kinds = () if card is None else card.row.inputs
    size = -1 if card is None or card.size is None else card.size
    return [_text_input() if kind == "text" else _picture_input(kind, size) for kind in kinds or ("rgb",)]


def _picture_input(kind: str, size: int) -> dict[str, Any]:
    return {
        "name": kind,
        "bands": [],
        "input": {
            "shape": [-1, -1, size, size],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
    }


def _text_input() -> dict[str, Any]:
    return {
        "name": "text",
        "bands": [],
        "input": {"shape": [-1, -1], "dim_order": ["batch", "token"], "data_type": "int64"},
    }


def _output(dim: int) -> dict[str, Any]:
    return {
        "name": "embedding",
        "tasks": ["similarity-search"],
        "result": {"shape": [-1, dim], "dim_order": ["batch", "dimension"], "data_type": "float32"},
        "description": "Unit vectors; their dot product is the score.",
    }


def _model_asset(card: EncoderCard | None, root: Root) -> dict[str, Any]:
    """Where the weights are published; where they are on no hub, what this server says of its encoder."""
    published = None if card is None else card.url
    return {
        "href": published or f"{root.server}/v1/index",
        "type": "text/html" if published else "application/json",
        "title": "Where the weights are published" if published else "The encoder as the index names it",
        "roles": ["mlm:model"],
        "mlm:artifact_type": "onnx" if card is not None and card.row.needs is None else "weights",
    }
