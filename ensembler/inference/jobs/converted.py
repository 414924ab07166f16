"""Networks converted from Keras for other runtimes: graphs with constant weights, and ONNX."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtimes import Runtime, is_installed

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
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Errors only, because users cannot act on its warnings.
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(export_onnx(model), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def predict(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the outputs of the network, shape (batch, width)."""
        [outputs] = self._session.run(None, {self._input: pixels.astype(np.float32)})
        return np.asarray(outputs, np.float32)


ConvertedNetwork = GraphNetwork | OnnxNetwork


def convert(model: Any, runtime: Runtime, threads: int) -> ConvertedNetwork:
    """Convert a network for ``runtime``. An unsupported layer raises an exception of any kind."""
    return OnnxNetwork(model, threads) if runtime == "onnx" else GraphNetwork(model)


def freeze_model(model: Any) -> Any:
    """Trace a network with its variables as constants."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    traced = tf.function(lambda pixels: model(pixels, training=False)).get_concrete_function(signature)
    return convert_variables_to_constants_v2(traced, lower_control_flow=False)


def export_onnx(model: Any) -> bytes:
    """Export a network to an ONNX file.

    Variables become constants first, because Keras's own export turns the constants of Normalization layers into
    inputs. The optimizer of tf2onnx takes up to a minute and is omitted, because ONNX Runtime optimizes the graph.
    """
    import tensorflow as tf
    from tf2onnx.tf_loader import tf_optimize
    from tf2onnx.tfonnx import process_tf_graph

    constant = freeze_model(model)
    inputs, outputs = [[tensor.name for tensor in tensors] for tensors in (constant.inputs, constant.outputs)]
    with tf.Graph().as_default():
        optimized = tf_optimize(inputs, outputs, constant.graph.as_graph_def())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(optimized, name="")
        converted = process_tf_graph(graph, input_names=inputs, output_names=outputs, opset=_OPSET)
    return bytes(converted.make_model(model.name).SerializeToString())


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
    if is_installed():
        import onnxruntime
        import tf2onnx

        libraries += [onnxruntime, tf2onnx]
    return [str(library.__version__) for library in libraries]
