"""``python -m dsl``: the command line from a clone that nothing installed."""

from dsl.cli.main import main

if __name__ == "__main__":
    main()
