"""From the model to plans of classes: what both backends' writers share."""
