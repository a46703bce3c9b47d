"""Where a tile came from, as others may know it: addresses as they are, files of this machine by name alone."""

from __future__ import annotations

from urllib.parse import urlsplit

REMOTE = ("https", "http", "s3", "gs", "az")
"""Schemes of addresses that others could open, too."""


def is_remote(href: str) -> bool:
    """Return whether a source lies outside this machine."""
    return urlsplit(href).scheme in REMOTE


def public_href(href: str) -> str:
    """Return a source as the outside may know it: `/data/a/scene.tif` is told as `scene.tif`.

    Of a dataset's sample, `dataset:NAME:FOLDER#SAMPLE`, the folder is left out.
    """
    if is_remote(href):
        return href
    path, mark, part = href.partition("#")
    kind, _, _ = path.partition(":")
    name = path.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    told = ":".join(path.split(":", 2)[:2]) if kind == "dataset" else name
    return f"{told}{mark}{part}"
