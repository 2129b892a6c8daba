"""The training part of a script in PyTorch: losses, optimizers, metrics, and the file around."""
