"""Published checkpoints: find or fetch the file, turn pickles into safetensors once, load it into a network."""

from __future__ import annotations

import pickle
import socket
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import ConfigError, MissingExtraError, WeightsNotFoundError

from ._weights import sha256_of, weights_folder

if TYPE_CHECKING:
    import torch

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
"""Weights files that are understood."""
HARMLESS = frozenset(
    {
        "attn_mask",
        "text.attn_mask",
        "visual.attn_mask",
        "text.position_ids",
        "logit_scale",
        "logit_bias",
        "input_resolution",
        "context_length",
        "vocab_size",
    }
)
"""Keys without influence on vectors: masks built from the configuration, the temperature, sizes in OpenAI's files."""


def fetch(place: Path, *, repo: str | None, path: str | None, url: str | None, sha256: str | None = None) -> Path:
    """Return a weights file that is at `place`, converted beside it, or on the hub.

    Args:
        place: Where the file belongs.
        repo: Hub repository; None when the file is on no hub.
        path: Path in that repository.
        url: Where a person finds the file.
        sha256: Sum of the published file; None where it is not known. A file converted from it is not checked again.

    Raises:
        WeightsNotFoundError: If it is nowhere, or is another file than the published one; the message names the file
            and its place.
    """
    if place.suffix != ".safetensors" and place.with_suffix(".safetensors").is_file():
        return place.with_suffix(".safetensors")
    found = place if place.is_file() else _download(place, repo, path, url)
    if sha256 is not None and (got := sha256_of(found)) != sha256:
        raise WeightsNotFoundError(
            f"{found} is not the published {place.name}: sha256 {got[:12]}..., expected {sha256[:12]}...; put the "
            "published file there, or name your own weights by their path: open_clip:MODEL@FILE, closp:rn@FILE"
        )
    return found


def _download(place: Path, repo: str | None, path: str | None, url: str | None) -> Path:
    where = f"download it from {url} and place it at {place}" if url else f"place it at {place}"
    if url and url.endswith(".zip"):
        where = f"unpack {url} and place its .pt file at {place}"
    if repo is None or path is None:
        raise WeightsNotFoundError(f"no weights file {place.name}: {where}")
    try:
        return _from_hub(repo, path, place)
    except MissingExtraError:
        raise
    except Exception as error:
        raise WeightsNotFoundError(
            f"{path} of hub repository {repo} is not on this machine and cannot be fetched ({_reason(error)}): {where}"
        ) from error


def fetch_first(folder: Path, *, repo: str, paths: Sequence[str]) -> Path:
    """Return the first of several files that a hub repository has, from `folder` when it is there already."""
    for path in paths:
        if (folder / path).is_file():
            return folder / path
    url = f"https://huggingface.co/{repo}"
    failure: WeightsNotFoundError | None = None
    for path in paths:
        try:
            return fetch(folder / path, repo=repo, path=path, url=url)
        except WeightsNotFoundError as error:
            failure = failure or error
    raise failure or WeightsNotFoundError(f"no weights in {url}")


def as_safetensors(path: Path) -> Path:
    """Return a safetensors file with the tensors of `path`, converting a pickled file once.

    Raises:
        ConfigError: If the file is damaged or holds more than tensors.
    """
    if path.suffix == ".safetensors":
        return path
    beside = path.with_suffix(".safetensors")
    kept = weights_folder() / "converted" / f"{path.stem}-{path.stat().st_size}.safetensors"
    for place in (beside, kept):
        if place.is_file():
            return place
    tensors = _read_pickle(path)
    for place in (beside, kept):
        if _try_save(tensors, place):
            return place
    raise ConfigError(f"neither {beside} nor {kept} can be written; convert {path} to safetensors elsewhere")


def load_into(
    network: torch.nn.Module, path: Path, model: str, *, partial: bool = False, ignored: tuple[str, ...] = ()
) -> None:
    """Load a safetensors file into a network.

    Args:
        network: Network to fill.
        path: The file.
        model: Name of the network for messages.
        partial: Whether harmless keys may be missing.
        ignored: Beginnings of keys that the file may hold beyond the network, e.g. a decoder's.

    Raises:
        ConfigError: If keys or shapes do not fit; the message names them.
    """
    state = read_tensors(path, model)
    check_state(network.state_dict(), state, f"{path} does not fit {model}", partial=partial, ignored=ignored)
    network.load_state_dict(state, strict=False)


def read_tensors(path: Path, model: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file under their bare keys.

    Raises:
        ConfigError: If it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return bare_keys(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path} does not fit {model}: {_reason(error)}") from error


def check_state(
    wanted: Mapping[str, torch.Tensor],
    found: Mapping[str, torch.Tensor],
    subject: str,
    *,
    partial: bool = False,
    ignored: tuple[str, ...] = (),
) -> None:
    """Compare the keys and shapes of a file with those of a network.

    Args:
        wanted: The network's tensors.
        found: The file's.
        subject: Beginning of the message.
        partial: Whether harmless keys may be missing.
        ignored: Beginnings of keys that the file may hold beyond the network.

    Raises:
        ConfigError: If they differ; the message names keys and shapes.
    """
    missing = sorted(set(wanted) - set(found) - (HARMLESS if partial else frozenset({"attn_mask"})))
    unknown = sorted(key for key in set(found) - set(wanted) - HARMLESS if not key.startswith(ignored or "\0"))
    if missing or unknown:
        raise ConfigError(f"{subject}: missing keys {_few(missing)}; unknown keys {_few(unknown)}")
    pairs = ((key, tuple(found[key].shape), tuple(wanted[key].shape)) for key in sorted(set(wanted) & set(found)))
    wrong = [f"{key} is {got}, expected {shape}" for key, got, shape in pairs if got != shape]
    if wrong:
        raise ConfigError(f"{subject}: {_few(wrong)}")


def bare_keys(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tensors of a checkpoint without the wrappings training leaves: `state_dict`, `module.`."""
    inner = state.get("state_dict", state)
    return {key.removeprefix("module."): value for key, value in inner.items() if hasattr(value, "shape")}


def _read_pickle(path: Path) -> dict[str, torch.Tensor]:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = _reason(error)
        raise ConfigError(f"{path} is damaged or holds more than tensors and is not loaded: {reason}") from error
    if not isinstance(state, Mapping):
        raise ConfigError(f"{path} holds a {type(state).__name__}, not a table of tensors")
    return {key: value.clone().contiguous() for key, value in bare_keys(state).items()}


def _try_save(tensors: dict[str, torch.Tensor], place: Path) -> bool:
    from safetensors.torch import save_file

    part = place.with_suffix(".part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, part)
        part.replace(place)
    except OSError:
        return False
    return True


def _from_hub(repo: str, path: str, place: Path) -> Path:
    try:
        from huggingface_hub import constants, hf_hub_download
    except ImportError:
        raise MissingExtraError("huggingface_hub", extra="torch") from None
    _resolve(constants.ENDPOINT)
    return Path(hf_hub_download(repo, path, local_dir=place.parent)).replace(place)


def _resolve(address: str) -> None:
    """Raise at once when the hub's name does not resolve; its client would retry for half a minute first."""
    if not urllib.request.getproxies():
        socket.getaddrinfo(urllib.parse.urlsplit(address).hostname, 443)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown or "none"
