"""``python -m tests.golden`` says which golden files have changed; ``--update`` writes them."""

from __future__ import annotations

import sys

from tests.golden import BACKENDS, HERE, SPECS, compile_golden, golden


def main(arguments: list[str]) -> int:
    """Compares or rewrites the golden files; returns 1 where one is not what it should be."""
    if arguments not in ([], ["--update"]):
        print("usage: python -m tests.golden [--update]", file=sys.stderr)
        return 2
    option = "--force" if arguments else "--check"
    wanted = {golden(name, backend): (name, backend) for name in SPECS for backend in BACKENDS}
    failed = []
    for path, (name, backend) in wanted.items():
        before = path.read_bytes() if path.exists() else None
        result = compile_golden(name, backend, option)
        if result.exit_code:
            failed.append(path)
            print(result.output.strip(), file=sys.stderr)
        elif arguments and path.read_bytes() != before:
            print(f"wrote {path.relative_to(HERE.parent.parent)}")
    for path in set(HERE.glob("*_*.py")) - set(wanted) - set(HERE.glob("__*__.py")):
        print(f"{path.name} belongs to no spec", file=sys.stderr)
        failed.append(path)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
