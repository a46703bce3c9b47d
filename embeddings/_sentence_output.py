"""A second output of a text network: the sentence vectors before the trained map. Used when an encoder is written."""

from __future__ import annotations

from pathlib import Path

SENTENCES = "sentences"
"""Name of the output."""

_MAP = "projection.weight"
"""Weight of the trained map; what is multiplied with it is the sentence vector, of unit length."""


def add_sentence_output(path: Path) -> None:
    """Give a text network the output `sentences` (n, dim), beside `vectors`, whose numbers stay as they are.

    Raises:
        ValueError: The network has no trained map.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    sources = [node.input[0] for node in graph.node if len(node.input) > 1 and node.input[1] == _MAP]
    if len(sources) != 1:
        raise ValueError(f"{path} multiplies {len(sources)} times with {_MAP}; one trained map was expected")
    graph.node.append(onnx.helper.make_node("Identity", sources, [SENTENCES]))
    shape = ["n", graph.output[0].type.tensor_type.shape.dim[1].dim_value]
    graph.output.append(onnx.helper.make_tensor_value_info(SENTENCES, onnx.TensorProto.FLOAT, shape))
    part = path.with_name(f".{path.name}")
    onnx.save_model(model, part)
    part.replace(path)
