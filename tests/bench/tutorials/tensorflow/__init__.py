"""Training code as introductory tutorials write it."""
