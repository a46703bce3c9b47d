"""A small synthetic archive of Sentinel-2 and Sentinel-1 scenes, to try Swath on without any download."""

from demo._generate import DemoArchive, DemoQuery, generate

__all__ = ["DemoArchive", "DemoQuery", "generate"]
