from pathlib import Path

import pytest

from core import ConfigError
from embeddings.training import default_config, load_config


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_shipped_configuration_is_valid() -> None:
    config = load_config(default_config())
    assert config.name == "swath-mini"
    assert "{}" in config.text.templates, "users type bare words"
    assert config.data.root is None


def test_defaults_fill_what_is_left_out(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, 'name = "x"\n[optimiser]\nepochs = 3\n'))
    assert (config.optimiser.epochs, config.optimiser.batch) == (3, 128)


def test_paths_and_numbers_get_their_types(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, 'name = "x"\n[data]\nroot = "a/b"\n[optimiser]\nwarmup = 0\n'))
    assert config.data.root == Path("a/b")
    assert isinstance(config.optimiser.warmup, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"\nepochs = 3\n', r"unknown key epochs; known here: name, seed, threads"),
        ('name = "x"\n[optimiser]\nepoch = 3\n', r"unknown key optimiser\.epoch; known here: epochs, batch"),
        ('name = "x"\n[optimiser]\nepochs = "3"\n', r"optimiser\.epochs must be a whole number, got '3'"),
        ('name = "x"\n[optimiser]\nepochs = true\n', r"optimiser\.epochs must be a whole number, got True"),
        ('name = "x"\n[optimiser]\nepochs = 0\n', r"optimiser\.epochs must be at least 1, got 0"),
        ('name = "x"\n[optimiser]\nprecision = "fp8"\n', r"must be one of 'bf16', 'fp32', got 'fp8'"),
        ('name = "x"\n[augment]\nscale = [1.0]\n', r"augment\.scale must hold 2 values, got 1"),
        ('name = "x"\n[image]\nwidths = [8]\ndepths = [1, 1]\n', r"must have the same length, got 1 and 2"),
        ('name = "x"\n[image]\nmean = [0.5]\n', r"image\.mean must hold 3 values, got 1"),
        ('name = "x"\n[text]\ntemplates = ["no slot"]\n', r"each must hold '\{\}' once, got 'no slot'"),
        ('name = "x"\noptimiser = 3\n', r"optimiser must be a table, got 3"),
        ("seed = 1\n", r"the configuration must set name"),
        ('name = "x"\n[words]\nsteps = -1\n', r"words\.steps must be at least 0, got -1"),
        ("name = \n", r"is not a TOML file"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, text))


def test_missing_file_points_to_the_shipped_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml; the shipped one is .*swath-mini\.toml"):
        load_config(tmp_path / "nowhere.toml")
