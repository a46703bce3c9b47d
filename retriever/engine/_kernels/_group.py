"""The estimates of LANES rows at once, as one piece of vector code.

Left to itself the compiler keeps sums in memory and turns the estimates into floats one by one: 78 ns for 32 codes of
384 bits, where this takes 28. Vectors of LANES numbers are LLVM's own and stand for whatever the machine has.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from retriever.engine._kernels._intrinsics import intrinsic
from retriever.engine._layout import LANES

_WORD, _FLOAT = ir.IntType(64), ir.FloatType()
_WORDS, _FLOATS = ir.VectorType(_WORD, LANES), ir.VectorType(_FLOAT, LANES)
_INTS, _SHORTS = ir.VectorType(ir.IntType(32), LANES), ir.VectorType(ir.IntType(16), LANES)
_BYTES = {_WORD: 8, _FLOAT: 4, ir.IntType(16): 2}
_FUSED = ("contract",)


class _Arrays:
    """The arrays among the arguments of a call."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self._views: list[Any] = [
            context.make_array(kind)(context, builder, value) if isinstance(kind, types.Array) else None
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        self._builder = builder

    def start(self, argument: int, offset: Any, kind: Any) -> Any:
        """Return a pointer to element ``offset``, as to a number or vector of some kind."""
        return self._builder.bitcast(self._builder.gep(self._views[argument].data, [offset]), kind.as_pointer())

    def load(self, argument: int, offset: Any, kind: Any) -> Any:
        """Return the number or vector at element ``offset``."""
        loaded = self._builder.load(self.start(argument, offset, kind))
        # Arrays are mapped files: nothing promises more than the alignment of one number.
        loaded.align = _BYTES[getattr(kind, "element", kind)]
        return loaded

    def columns(self, argument: int) -> Any:
        """Return the number of columns of a matrix."""
        return cgutils.unpack_tuple(self._builder, self._views[argument].shape)[1]


@intrinsic
def estimate_listed(
    _context: Any, codes: Any, factors: Any, offsets: Any, ones: Any, planes: Any, numbers: Any, estimates: Any,
    group: Any, threshold: Any, dot: Any,
) -> Any:  # fmt: skip
    """Write the estimates of a group's rows to (LANES,) ``estimates``; return a bit for each above ``threshold``.

    ``dot`` is that of the list that all its rows are in.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        group, threshold, dot = arguments[7:]
        dots = _splat(builder, dot, _FLOATS)
        return _estimate(builder, _Arrays(context, builder, signature, arguments), group, threshold, dots)

    kinds = codes, factors, offsets, ones, planes, numbers, estimates
    return types.uint64(*kinds, types.int64, types.float32, types.float32), generate


@intrinsic
def estimate_mixed(
    _context: Any, codes: Any, factors: Any, offsets: Any, ones: Any, planes: Any, numbers: Any, estimates: Any,
    group: Any, threshold: Any, dots: Any, start: Any,
) -> Any:  # fmt: skip
    """Do the same where the rows are in lists of their own: ``dots`` from ``start`` on are the rows'."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays, start = _Arrays(context, builder, signature, arguments), arguments[10]
        return _estimate(builder, arrays, arguments[7], arguments[8], arrays.load(9, start, _FLOATS))

    kinds = codes, factors, offsets, ones, planes, numbers, estimates
    return types.uint64(*kinds, types.int64, types.float32, dots, types.int64), generate


def _estimate(builder: Any, arrays: _Arrays, group: Any, threshold: Any, dots: Any) -> Any:
    start, zero = builder.mul(group, _WORD(LANES)), _WORD(0)
    low, step, total = (_splat(builder, arrays.load(5, _WORD(place), _FLOAT), _FLOATS) for place in range(3))
    sums = builder.sitofp(builder.trunc(_sums(builder, arrays, group), _INTS), _FLOATS)
    ones = builder.sitofp(builder.zext(arrays.load(3, start, _SHORTS), _INTS), _FLOATS)
    positive = _sum_of_products(builder, low, ones, builder.fmul(step, sums, flags=_FUSED))
    signed = builder.fsub(builder.fadd(positive, positive), total, flags=_FUSED)
    beside = _sum_of_products(builder, dots, arrays.load(2, start, _FLOATS), dots)
    estimate = _sum_of_products(builder, arrays.load(1, start, _FLOATS), signed, beside)
    builder.store(estimate, arrays.start(6, zero, _FLOATS)).align = _BYTES[_FLOAT]
    above = builder.fcmp_ordered(">", estimate, _splat(builder, threshold, _FLOATS))
    return builder.zext(builder.bitcast(above, ir.IntType(LANES)), _WORD)


def _sums(builder: Any, arrays: _Arrays, group: Any) -> Any:
    """Sum the query's whole numbers where each row has a 1: the ones of code and plane, counted for each plane."""
    words = arrays.columns(4)
    kind = ir.FunctionType(_WORDS, [_WORDS])
    count = cgutils.get_or_insert_function(builder.module, kind, f"llvm.ctpop.v{LANES}i64")
    held = [cgutils.alloca_once_value(builder, ir.Constant(_WORDS, [0] * LANES)) for _ in range(4)]
    first = builder.mul(builder.mul(group, words), _WORD(LANES))
    with cgutils.for_range(builder, words) as loop:
        code = arrays.load(0, builder.add(first, builder.mul(loop.index, _WORD(LANES))), _WORDS)
        for plane, sums in enumerate(held):
            bits = arrays.load(4, builder.add(builder.mul(words, _WORD(plane)), loop.index), _WORD)
            both = builder.and_(code, _splat(builder, bits, _WORDS))
            builder.store(builder.add(builder.load(sums), builder.call(count, [both])), sums)
    total = builder.load(held[0])
    for plane in (1, 2, 3):
        total = builder.add(total, builder.shl(builder.load(held[plane]), ir.Constant(_WORDS, [plane] * LANES)))
    return total


def _sum_of_products(builder: Any, first: Any, second: Any, more: Any) -> Any:
    return builder.fadd(builder.fmul(first, second, flags=_FUSED), more, flags=_FUSED)


def _splat(builder: Any, number: Any, kind: Any) -> Any:
    """Return a vector that holds the number in every lane."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(_INTS, [0] * LANES))
