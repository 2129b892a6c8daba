"""From syntax tree to model: names, sizes and shapes, then what the sections ask for."""
