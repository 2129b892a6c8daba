"""Python code as text: literals, names, imports, and the final formatting."""
