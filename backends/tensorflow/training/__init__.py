"""The training part of a script in TensorFlow: losses, optimizers, metrics, the file around."""
