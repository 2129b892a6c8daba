"""What a model costs: parameters, MACs and FLOPs, counted from its shapes, no framework needed."""
