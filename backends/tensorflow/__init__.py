"""The TensorFlow/Keras backend."""
