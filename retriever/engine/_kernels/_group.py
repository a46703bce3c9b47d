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
_FUSED = ("contract",)


@intrinsic
def estimate_group(
    _context: Any, codes: Any, factors: Any, offsets: Any, ones: Any, group: Any, planes: Any, numbers: Any, dots: Any,
    leans: Any, threshold: Any, estimates: Any,
) -> Any:  # fmt: skip
    """Write the estimates of a group's rows to (LANES,) ``estimates``; return a bit for each above ``threshold``.

    ``dots`` and ``leans`` are (LANES,), those of the list of each row.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def place(argument: int, offset: Any, kind: Any) -> Any:
            view = context.make_array(signature.args[argument])(context, builder, arguments[argument])
            return builder.bitcast(builder.gep(view.data, [offset]), kind.as_pointer())

        def load(argument: int, offset: Any, kind: Any) -> Any:
            loaded = builder.load(place(argument, offset, kind))
            loaded.align = signature.args[argument].dtype.bitwidth // 8
            return loaded

        def number(index: int) -> Any:
            return _splat(builder, load(6, _WORD(index), _FLOAT), _FLOATS)

        shape = context.make_array(signature.args[5])(context, builder, arguments[5]).shape
        sums = _sums(builder, cgutils.unpack_tuple(builder, shape)[1], arguments[4], load)
        start = builder.mul(arguments[4], _WORD(LANES))
        total = builder.sitofp(builder.trunc(sums, _INTS), _FLOATS)
        ones_there = builder.sitofp(builder.zext(load(3, start, _SHORTS), _INTS), _FLOATS)
        rotated = _times(builder, number(0), ones_there, _times(builder, number(1), total, None))
        signed = builder.fsub(builder.fadd(rotated, rotated), number(2), flags=_FUSED)
        beside = _times(builder, load(8, _WORD(0), _FLOATS), load(2, start, _FLOATS), load(7, _WORD(0), _FLOATS))
        estimate = _times(builder, load(1, start, _FLOATS), signed, beside)
        builder.store(estimate, place(10, _WORD(0), _FLOATS)).align = 4
        above = builder.fcmp_ordered(">", estimate, _splat(builder, arguments[9], _FLOATS))
        return builder.zext(builder.bitcast(above, ir.IntType(LANES)), _WORD)

    kinds = codes, factors, offsets, ones, types.int64, planes, numbers, dots, leans, types.float32, estimates
    return types.uint64(*kinds), generate


def _sums(builder: Any, words: Any, group: Any, load: Any) -> Any:
    """Sum the query's whole numbers where each row has a 1: the ones of code and plane, counted once for each plane."""
    count = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_WORDS, [_WORDS]), f"llvm.ctpop.v{LANES}i64")
    held = [cgutils.alloca_once_value(builder, ir.Constant(_WORDS, [0] * LANES)) for _ in range(4)]
    first = builder.mul(builder.mul(group, words), _WORD(LANES))
    with cgutils.for_range(builder, words) as loop:
        code = load(0, builder.add(first, builder.mul(loop.index, _WORD(LANES))), _WORDS)
        for plane, sums in enumerate(held):
            bits = load(5, builder.add(builder.mul(words, _WORD(plane)), loop.index), _WORD)
            both = builder.and_(code, _splat(builder, bits, _WORDS))
            builder.store(builder.add(builder.load(sums), builder.call(count, [both])), sums)
    total = builder.load(held[0])
    for plane in (1, 2, 3):
        total = builder.add(total, builder.shl(builder.load(held[plane]), ir.Constant(_WORDS, [plane] * LANES)))
    return total


def _times(builder: Any, first: Any, second: Any, more: Any) -> Any:
    product = builder.fmul(first, second, flags=_FUSED)
    return product if more is None else builder.fadd(product, more, flags=_FUSED)


def _splat(builder: Any, number: Any, kind: Any) -> Any:
    """Return a vector that holds the number in every lane."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(_INTS, [0] * LANES))
