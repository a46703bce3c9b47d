"""Everything numba about vectors: codes, estimates from codes, rescoring, the best of many rows in one call.

Importing this room imports numba (0.4 s), so it is imported inside functions. Every kernel runs without the
interpreter's lock and is compiled once a machine.
"""

from retriever.engine._kernels._encode import encode, interleave
from retriever.engine._kernels._rotate import rotate, rotation

__all__ = ["encode", "interleave", "rotate", "rotation"]
