"""What a model runs and keeps, operation by operation: the ground of memory and time."""
