"""Fuzzing by coverage, with the extra ``fuzz``: ``python -m benchmarks.fuzz_coverage TARGET [--runs 2000]``.

libFuzzer, through atheris, keeps those inputs that reach branches of our packages that none before them reached, and
goes on from there. It changes them by itself or by the target's own way, one time in two. ``-timeout`` is by the clock,
and ``-rss_limit_mb`` counts the whole process, so what it holds before the first input is added to the limit.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

LIMIT_MB = 500
"""By which the process may grow."""

OURS = ["core", "embeddings", "indexer", "retriever", "api", "swath"]
"""Packages whose branches count; native libraries are not instrumented."""


def main() -> None:
    """Run one target until its runs are over; the exit code is not 0 where an input is a fault."""
    given = _arguments()
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed; run: pip install 'swath[fuzz]' (it has wheels for Linux)")
    with atheris.instrument_imports(include=OURS):
        from benchmarks.fuzz import judge, target_named
        from benchmarks.fuzz._mutate import mutated_with
    target = target_named(given.target)
    seeds = list(target.seeds())
    corpus, faults = given.work / "corpus" / target.name, given.work / "faults"
    for folder in (corpus, faults):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
        judge(target, seed)

    def read(data: bytes) -> None:
        outcome = judge(target, data)
        if outcome.kind == "fault":
            raise RuntimeError(f"{target.name}: {outcome.name}: {outcome.message}")

    def change(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)  # noqa: S311 - must be repeatable
        if not data:
            return rng.choice(seeds)[:most]
        changed: bytes = atheris.Mutate(data, most) if rng.random() < 0.5 else mutated_with(rng, target, data)
        return changed[:most]

    flags = {
        "runs": given.runs,
        "timeout": given.timeout,
        "rss_limit_mb": _resting_mb() + LIMIT_MB,
        "artifact_prefix": f"{faults}/{target.name}-atheris-",
        "max_len": 2**16,
        "print_final_stats": 1,
        "seed": given.seed,
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(corpus)], read, custom_mutator=change
    )
    atheris.Fuzz()


def _resting_mb() -> int:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(text[text.index("VmRSS") :].split(maxsplit=2)[1]) // 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="As `python -m benchmarks.fuzz --list` names them.")
    parser.add_argument("--runs", type=int, default=2_000, help="Inputs.")
    parser.add_argument(
        "--timeout", type=int, default=2, help="Seconds by the clock for one input; more on a busy machine."
    )
    parser.add_argument("--seed", type=int, default=1, help="Of libFuzzer.")
    parser.add_argument("--work", type=Path, default=Path("fuzz-work"), help="Folder of the corpus and of faults.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
