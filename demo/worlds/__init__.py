"""The synthetic world: landscapes painted by rule, with reflectance, backscatter, sentences and truth."""

from demo.worlds._surfaces import GROUPS, Surface

__all__ = ["GROUPS", "Surface"]
