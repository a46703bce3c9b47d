"""Texts beside the tiles, found by meaning, by place and by name."""
