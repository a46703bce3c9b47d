from pathlib import Path

import pytest

from core import ConfigError
from embeddings.training import default_config, load_config

POOL = '[[pools]]\nname = "own"\ndataset = "captions"\nroot = "own"\noptical = ["image"]\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["swath-mini.toml", "swath-mini-further.toml", "fine-tune.toml"])
def test_shipped_configurations_are_valid(name: str) -> None:
    config = load_config(default_config().parent / name)
    assert "{}" in config.text.templates, "users type bare words"
    assert config.location.weight == 0.0
    assert config.optimiser.chunk == 0


def test_defaults_fill_what_is_left_out(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, f'name = "x"\n[optimiser]\nsteps = 3\nwarmup = 0\n{POOL}batch = 7\n'))
    assert (config.optimiser.steps, config.optimiser.size, config.pools[0].batch) == (3, 96, 7)
    assert isinstance(config.optimiser.warmup, float)
    assert (config.start, config.encoder, config.export.weights) == ("imagenet", "swath-mini", "fp16")


def test_a_folder_beside_the_file_comes_before_the_one_under_swath_data(tmp_path: Path) -> None:
    path = written(tmp_path, f'name = "x"\n{POOL}')
    assert load_config(path).pools[0].root == "own"
    (tmp_path / "own").mkdir()
    assert load_config(path).pools[0].root == str(tmp_path / "own")


def test_an_absolute_root_stays(tmp_path: Path) -> None:
    text = f'name = "x"\n{POOL}'.replace('root = "own"', f'root = "{tmp_path}/elsewhere"')
    assert load_config(written(tmp_path, text)).pools[0].root == f"{tmp_path}/elsewhere"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'name = "x"\nsteps = 3\n{POOL}', r"unknown key steps; known here: name, pools, seed, threads"),
        (f'name = "x"\n[optimiser]\nstep = 3\n{POOL}', r"unknown key optimiser\.step; known here: steps, size"),
        (f'name = "x"\n[optimiser]\nsteps = "3"\n{POOL}', r"optimiser\.steps must be a whole number, got '3'"),
        (f'name = "x"\n[optimiser]\nsteps = true\n{POOL}', r"optimiser\.steps must be a whole number, got True"),
        (f'name = "x"\n[optimiser]\nsteps = 0\n{POOL}', r"optimiser\.steps must be at least 1, got 0"),
        (f'name = "x"\n[optimiser]\nchunk = -1\n{POOL}', r"optimiser\.chunk must be at least 0, got -1"),
        (f'name = "x"\n[optimiser]\nprecision = "fp8"\n{POOL}', r"must be one of 'bf16', 'fp32', got 'fp8'"),
        (f'name = "x"\n[export]\nweights = "int4"\n{POOL}', r"must be one of 'fp16', 'int8', got 'int4'"),
        (f'name = "x"\n[augment]\nsaturation = [1.0]\n{POOL}', r"augment\.saturation must hold 2 values, got 1"),
        (f'name = "x"\n[text]\ntemplates = ["no slot"]\n{POOL}', r"each must hold '\{\}' once, got 'no slot'"),
        (f'name = "x"\noptimiser = 3\n{POOL}', r"optimiser must be a table, got 3"),
        (f"seed = 1\n{POOL}", r"the configuration must set name"),
        ('name = "x"\n', r"the configuration must set pools"),
        ('name = "x"\npools = []\n', r"pools must be at least 1, got 0"),
        (f'name = "x"\n{POOL}{POOL}', r"pools need names of their own, got own, own"),
        (f'name = "x"\n{POOL}radar = ["a", "b"]\n', r"pools\.own: optical and radar stand in pairs, got 1 and 2"),
        (f'name = "x"\n{POOL}pair = 1.0\n', r"pools\.own\.pair needs optical and radar views"),
        (f'name = "x"\n{POOL}held_out = 1.0\n', r"held_out must be from 0 to under 1, got 1.0"),
        (f'name = "x"\n{POOL}scal = [1, 2]\n', r"unknown key"),
        (f'name = "x"\n{POOL}'.replace('optical = ["image"]', ""), r"names no view: set optical, radar or both"),
        (f'name = "x"\n[words]\nsteps = -1\n{POOL}', r"words\.steps must be at least 0, got -1"),
        ("name = \n", r"is not a TOML file"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, text))


def test_missing_file_points_to_the_shipped_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml; the shipped one is .*swath-mini\.toml"):
        load_config(tmp_path / "nowhere.toml")
