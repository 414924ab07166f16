"""Predicts with Keras, TensorFlow graphs or ONNX Runtime."""
