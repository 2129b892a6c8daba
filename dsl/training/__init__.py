"""How a model is trained: losses, optimizers, schedules, regularization, metrics, data, device."""
