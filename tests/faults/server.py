"""Runs commands of ``swath`` in forked children, each to be killed or to fail at one of its changes to files.

Run as a program with ``faults.c`` preloaded. Everything is imported once; a command then costs the fork and its work.
A line of JSON on stdin is a request, a line on stdout the answer.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

IMPORTED = (
    "lancedb", "rasterio", "retriever.engine", "retriever.engine._kernels", "retriever.watches", "swath._cli",
    "swath._index", "swath._ingest", "swath._verifying", "swath._reembedding", "swath._progress", "indexer.sources",
    "numba", "faiss", "pyarrow.parquet", "tests.faults.doubles",
)  # fmt: skip
"""What commands import when they run."""

POLL_S = 0.002

LIMIT_S = 300
"""After which a command is taken for one that hangs: kernels may have to be compiled, on a busy machine."""


def serve() -> None:
    """Answer requests until stdin ends."""
    warnings.filterwarnings("ignore", message="lancedb fork support")
    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            import_module(name)
    import_module("tests.faults.doubles").register()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing else may write among the answers
    answers.write("ready\n")
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, and say how it ended."""
    out = Path(asked["out"])
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    child = os.fork()
    if not child:
        _child(asked, out)
    status, hung = _ended(child, asked, started)
    found: dict[str, Any] = {"seconds": time.monotonic() - started, "hung": hung}
    found["signal"] = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    found["code"] = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    for name in ("stdout", "stderr", "acknowledged", "hit", "seen"):
        found[name] = (out / name).read_text(errors="replace") if (out / name).exists() else ""
    return found


def _ended(child: int, asked: dict[str, Any], started: float) -> tuple[int, bool]:
    """Wait for a child, which is killed at its moment where a time is given, and when it takes too long."""
    kill_at = started + asked["after"] if asked.get("after") is not None else None
    hung = False
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status, hung
        now = time.monotonic()
        if kill_at is not None and now >= kill_at:
            os.kill(child, signal.SIGKILL)
            kill_at = None
        if now - started > asked.get("limit", LIMIT_S):
            hung = True
            os.kill(child, signal.SIGKILL)
        time.sleep(POLL_S)


def _child(asked: dict[str, Any], out: Path) -> None:
    code = 70
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
        os.environ.update(asked.get("environment", {}))
        _override(asked, _new_file(out / "acknowledged"))
        library = ctypes.CDLL(None)
        library.faults_seen.restype = ctypes.c_long
        library.faults_arm.argtypes = [
            ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int,
        ]  # fmt: skip
        arm = asked.get("arm", {})
        library.faults_arm(
            asked["under"].encode(), arm.get("mode", 0), arm.get("kinds", 15), arm.get("at", 0), arm.get("errno", 0),
            _new_file(out / "hit"),
        )  # fmt: skip
        code = _command(asked["args"])
        (out / "seen").write_text(str(library.faults_seen()))
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _new_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)


def _command(args: list[str]) -> int:
    from swath._cli import app
    from swath._errors import run_and_report

    return run_and_report(lambda: app(args, standalone_mode=False))


def _override(asked: dict[str, Any], acknowledged: int) -> None:
    """Commit more often than real archives want it, and note the scenes whose commit has returned."""
    import swath._ingest
    from indexer import IngestOptions, Store
    from indexer import store as module

    vars(swath._ingest)["IngestOptions"] = partial(IngestOptions, commit_tiles=24, commit_seconds=0.05)
    if "merge_limit" in asked:
        module.MERGE_LIMIT = asked["merge_limit"]
    commit = Store.commit

    def noted(store: Store, scenes: Any) -> None:
        scenes = list(scenes)
        commit(store, scenes)
        os.write(acknowledged, "".join(f"{scene.ledger.scene_id}\n" for scene in scenes).encode())

    Store.commit = noted  # type: ignore[method-assign, assignment]  # as a test replaces it


if __name__ == "__main__":
    serve()
