"""The compiler as the kernels use it, and the few machine instructions that numba has no name for.

Nothing here names a processor: LLVM picks the instructions of the machine that compiles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.extending import intrinsic as numba_intrinsic

_Function = TypeVar("_Function", bound=Callable[..., Any])

_IMPORTS = re.compile(r"^from retriever\.engine\.([\w.]+) import", re.MULTILINE)
_ENGINE = Path(__file__).parent.parent


def _sources(path: Path, seen: set[Path]) -> set[Path]:
    """Add the file and, over and over, the files of the engine that it imports."""
    if path not in seen and path.exists():
        seen.add(path)
        for name in _IMPORTS.findall(path.read_text()):
            _sources(_ENGINE / (name.replace(".", "/") + ".py"), seen)
    return seen


@cache
def _stamp(path: Path) -> str:
    """Return a digest of all sources a kernel is made of: numba does not see that a called kernel changed."""
    digest = hashlib.sha256()
    for source in sorted(_sources(path, set())):
        digest.update(source.read_bytes())
    return digest.hexdigest()


class _RoomCache(FunctionCache):
    """Compiled code that is thrown away when its file changes, or any file of the engine that it imports."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp, name = _stamp(Path(function.__code__.co_filename)), self._impl.filename_base
        self._cache_file = IndexDataCacheFile(cache_path=self._cache_path, filename_base=name, source_stamp=stamp)


_LIBERTIES = {"reassoc", "contract", "nsz", "nnan"}
"""What the compiler may assume of floats: sums in any order, no NaN. Infinity stays what it is."""


def kernel(function: _Function) -> _Function:
    """Compile ``function`` on its first call; it runs without the GIL and is kept on disk."""
    compiled: Any = numba.njit(nogil=True, fastmath=_LIBERTIES, boundscheck=False, error_model="numpy")(function)
    compiled._cache = _RoomCache(function)
    typed: _Function = compiled
    return typed


def intrinsic(describe: Callable[..., Any]) -> Any:
    """Make a function of kernels of a description of its types and its machine code."""
    return numba_intrinsic(describe)


@intrinsic
def popcount(_context: Any, _bits: Any) -> Any:
    """Return how many bits of a uint64 are 1."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def trailing_zeros(_context: Any, _bits: Any) -> Any:
    """Return the place of the lowest bit of a uint64 that is 1; 64 where there is none."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic
def bits_of(_context: Any, _number: Any) -> Any:
    """Return the bits of a float32 as int32."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def float_of(_context: Any, _bits: Any) -> Any:
    """Return the float32 that has the bits of an int32."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def widen(_context: Any, number: Any) -> Any:
    """Return a float32: of a float32 itself, of a uint16 the half that has its bits."""

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.float32:
            return arguments[0]
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(number), generate


@intrinsic
def prefetch(_context: Any, array: Any, place: Any) -> Any:
    """Ask for the cache line of element ``place`` (counted over the whole contiguous array) to be fetched."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(view.data, [arguments[1]]), cgutils.voidptr_t)
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # for reading, to be kept in every cache, data
        builder.call(fetch, [pointer, ir.Constant(word, 0), ir.Constant(word, 3), ir.Constant(word, 1)])
        return context.get_dummy_value()

    return types.void(array, place), generate
