"""Networks converted from Keras for other runtimes: graphs with constant weights, ONNX, and OpenVINO."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtimes import Runtime, RuntimePrecision, find_precision, is_installed
from .onnx_session import make_session_options, open_session
from .openvino_session import compile_network, refuse_telemetry

# Version of ONNX's operators that all releases of ONNX Runtime since 2022 support.
_OPSET = 17


class GraphNetwork:
    """A network as a TensorFlow graph with constant weights, which allows TensorFlow to merge layers.

    Parameters
    ----------
    model
        Network from pixels of shape (batch, size, size, 3) to an array of shape (batch, width). Later changes of its
        weights do not affect the graph.
    """

    def __init__(self, model: Any) -> None:
        self._function = freeze_model(model)

    def predict(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the outputs of the network, shape (batch, width)."""
        import tensorflow as tf

        [outputs] = self._function(tf.constant(pixels.astype(np.float32)))
        return np.asarray(outputs, np.float32)


class OnnxNetwork:
    """A network in ONNX Runtime on ``threads`` processors; see :class:`GraphNetwork`."""

    def __init__(self, model: Any, threads: int) -> None:
        self._session = open_session(export_onnx(model), make_session_options(threads))
        self._input = self._session.get_inputs()[0].name

    def predict(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the outputs of the network, shape (batch, width)."""
        [outputs] = self._session.run(None, {self._input: pixels.astype(np.float32)})
        return np.asarray(outputs, np.float32)


class OpenVinoNetwork:
    """A network in OpenVINO on ``threads`` processors, in ``precision``; see :class:`GraphNetwork`."""

    def __init__(self, model: Any, threads: int, precision: RuntimePrecision) -> None:
        self._compiled = compile_network(convert_to_openvino(model), threads, precision)

    def predict(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the outputs of the network, shape (batch, width)."""
        # A copy, because OpenVINO writes the next outputs to the same place.
        return np.array(self._compiled(pixels.astype(np.float32))[0], np.float32)


ConvertedNetwork = GraphNetwork | OnnxNetwork | OpenVinoNetwork


def convert(model: Any, runtime: Runtime, threads: int) -> ConvertedNetwork:
    """Convert a network for ``runtime``. An unsupported layer raises an exception of any kind."""
    match runtime:
        case "onnx":
            return OnnxNetwork(model, threads)
        case "openvino" | "openvino-bfloat16":
            return OpenVinoNetwork(model, threads, find_precision(runtime))
    return GraphNetwork(model)


@contextlib.contextmanager
def ignore_jit() -> Iterator[None]:
    """Trace functions within the block without XLA.

    Keras compiles grouped convolutions with XLA, such as those of ConvNeXt, because TensorFlow needs that on a CPU.
    Other runtimes cannot run a compiled function, and need no such help.
    """
    import tensorflow as tf

    original = tf.function

    def trace_plainly(*arguments: Any, **options: Any) -> Any:
        return original(*arguments, **{**options, "jit_compile": None})

    tf.function = trace_plainly
    try:
        yield
    finally:
        tf.function = original


def trace_model(model: Any, batch: int | None = None) -> Any:
    """Trace a network from inputs with the names of its own. ``batch`` fixes the number of photos."""
    import tensorflow as tf

    signature = [tf.TensorSpec((batch, *tensor.shape[1:]), tf.float32, tensor.name) for tensor in model.inputs]

    def predict(*pixels: Any) -> Any:
        return model(list(pixels) if len(pixels) > 1 else pixels[0], training=False)

    return tf.function(predict).get_concrete_function(*signature)


def freeze_model(model: Any, batch: int | None = None) -> Any:
    """Trace a network with its variables as constants."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(trace_model(model, batch), lower_control_flow=False)


def export_onnx(model: Any, batch: int | None = None, output: str = "outputs") -> bytes:
    """Export a network to an ONNX file, whose inputs have the names of the network's own.

    Variables become constants first, because Keras's own export turns the constants of Normalization layers into
    inputs. The optimizer of tf2onnx takes up to a minute and is omitted, because ONNX Runtime optimizes the graph.
    """
    import tensorflow as tf
    from tf2onnx.tf_loader import tf_optimize
    from tf2onnx.tfonnx import process_tf_graph

    _add_erfc()
    with ignore_jit():
        constant = freeze_model(model, batch)
    inputs, outputs = [[tensor.name for tensor in tensors] for tensors in (constant.inputs, constant.outputs)]
    names = {**dict(zip(inputs, (tensor.name for tensor in model.inputs), strict=True)), outputs[0]: output}
    with tf.Graph().as_default():
        optimized = tf_optimize(inputs, outputs, constant.graph.as_graph_def())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(optimized, name="")
        converted = process_tf_graph(
            graph, input_names=inputs, output_names=outputs, opset=_OPSET, tensors_to_rename=names
        )
    return bytes(converted.make_model(model.name).SerializeToString())


def convert_to_openvino(model: Any, batch: int | None = None) -> Any:
    """Convert a network to OpenVINO, which reads TensorFlow's graph itself.

    Files that it made of ONNX were half as fast. ``batch`` fixes the number of photos.
    """
    refuse_telemetry()
    import openvino

    with ignore_jit():
        return openvino.convert_model(trace_model(model, batch))


@cache
def _add_erfc() -> None:
    """Let tf2onnx convert Erfc, which the exact GELU of ConvNeXt uses and ONNX lacks, as 1 - Erf."""
    from tf2onnx.handler import tf_op

    @tf_op("Erfc")
    class _Erfc:
        @classmethod
        def version_9(cls, ctx: Any, node: Any, **_: Any) -> None:
            node.type = "Erf"
            one = ctx.make_const(f"{node.name}/one", np.array(1, np.float32)).output[0]
            ctx.insert_new_node_on_output("Sub", node.output[0], f"{node.name}/erfc", inputs=[one, node.output[0]])


def find_obstacle() -> str:
    """Return why this process cannot convert networks, or an empty string. Networks on a GPU are not converted."""
    if keras.backend.backend() != "tensorflow":
        return f"Keras runs on {keras.backend.backend()} here"
    import tensorflow as tf

    return "there is a GPU" if tf.config.list_physical_devices("GPU") else ""


def list_versions() -> list[str]:
    """Return the versions of the libraries that affect speed."""
    import tensorflow as tf

    libraries = [keras, tf]
    if is_installed("onnx"):
        import onnxruntime
        import tf2onnx

        libraries += [onnxruntime, tf2onnx]
    versions = [str(library.__version__) for library in libraries]
    return [*versions, f"openvino {version('openvino')}"] if is_installed("openvino") else versions
