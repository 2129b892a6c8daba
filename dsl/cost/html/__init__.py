"""The report of ``msl cost --html``: one file that shows what a model takes."""
