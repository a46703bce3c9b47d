"""Everything numba about vectors: codes, estimates from codes, rescoring, the best of many rows in one call.

Importing this room imports numba (0.4 s), so it is imported inside functions. Every kernel runs without the
interpreter's lock and is compiled once a machine.
"""

from retriever.engine._kernels._best import Looked, best_of_blocks, best_of_lists, room_for
from retriever.engine._kernels._collect import best_of_matrix
from retriever.engine._kernels._encode import encode, interleave
from retriever.engine._kernels._prepare import DOUBT, Prepared, nearest_lists, prepare
from retriever.engine._kernels._probe import better_rows
from retriever.engine._kernels._rotate import rotate, rotation
from retriever.engine._kernels._scan import ALWAYS, FOREVER, scan_blocks, scan_lists
from retriever.engine._kernels._score import score, score_all, score_matrix
from retriever.engine._kernels._spread import spreads

__all__ = [
    "ALWAYS",
    "DOUBT",
    "FOREVER",
    "Looked",
    "Prepared",
    "best_of_blocks",
    "best_of_lists",
    "best_of_matrix",
    "better_rows",
    "encode",
    "interleave",
    "nearest_lists",
    "prepare",
    "room_for",
    "rotate",
    "rotation",
    "scan_blocks",
    "scan_lists",
    "score",
    "score_all",
    "score_matrix",
    "spreads",
]
