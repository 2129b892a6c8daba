"""Imports stay inside the project, whatever a path says and wherever links lead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsl.compilation import Compilation
from dsl.diagnostics.model import Diagnostic
from dsl.passes.modules import DEPTH_LIMIT, FILE_LIMIT, FileLoader, read_source

BLOCK = "block Unit { Linear(3); ReLU }\n"
NET = 'import "{path}"\nmodel Net {{\n  input x: float32[4]\n  Unit\n  output y = Linear(2)\n}}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside files that are none of its business."""
    (tmp_path / "secret.msl").write_text(BLOCK)
    folder = tmp_path / "project"
    (folder / "nets").mkdir(parents=True)
    (folder / "msl.toml").write_text("")
    (folder / "units.msl").write_text(BLOCK)
    (folder / "nets" / "near.msl").write_text(BLOCK)
    return folder


def findings(main: Path, text: str | None = None) -> list[Diagnostic]:
    """What `msl check` finds."""
    if text is not None:
        main.write_text(text)
    source = read_source(str(main), str(main))
    return list(Compilation(source, loader=FileLoader(str(main)), path=str(main)).diagnostics)


def refused(found: list[Diagnostic]) -> str:
    """The reason for which an import, the only mistake, is refused."""
    (finding,) = found
    assert finding.rule.code == "MSL133" and finding.primary is not None
    assert finding.primary.span.text.startswith('"')
    return finding.primary.text


@pytest.mark.parametrize("path", ["near.msl", "./near.msl", "../units.msl", "../nets/near.msl"])
def test_inside_is_read(project: Path, path: str) -> None:
    assert findings(project / "nets" / "net.msl", NET.format(path=path)) == []


@pytest.mark.parametrize(
    "path",
    ["../../secret.msl", "../../project/../secret.msl", "../nets/../../secret.msl",
     "../../../../../../../../../../../../etc/passwd", ".././../secret.msl", "../..//secret.msl"],
)  # fmt: skip
def test_above_is_refused(project: Path, path: str) -> None:
    reason = refused(findings(project / "nets" / "net.msl", NET.format(path=path)))
    assert reason == "imports stay inside the project, project"


@pytest.mark.parametrize("scheme", ["http://h/x.msl", "file:///etc/passwd", "https://h/x.msl"])
def test_addresses_are_refused(project: Path, scheme: str) -> None:
    reason = refused(findings(project / "net.msl", NET.format(path=scheme)))
    assert reason == "imports are relative to the file that imports"


def test_absolute_paths_are_refused(project: Path) -> None:
    for path in (project / "units.msl", "/etc/passwd", "//etc/passwd"):
        reason = refused(findings(project / "net.msl", NET.format(path=path)))
        assert reason == "imports are relative to the file that imports"


def test_links_that_lead_out_are_refused(project: Path) -> None:
    os.symlink("../secret.msl", project / "file.msl")
    os.symlink("..", project / "up")
    os.symlink("file.msl", project / "twice.msl")
    for path in ("file.msl", "up/secret.msl", "twice.msl", "nets/../up/secret.msl"):
        reason = refused(findings(project / "net.msl", NET.format(path=path)))
        assert reason.startswith("imports stay inside")


def test_links_that_stay_inside_are_followed(project: Path) -> None:
    os.symlink("units.msl", project / "alias.msl")
    assert findings(project / "net.msl", NET.format(path="alias.msl")) == []


def test_a_linked_project_is_the_project(project: Path, tmp_path: Path) -> None:
    os.symlink(project, tmp_path / "link")
    main = tmp_path / "link" / "nets" / "net.msl"
    assert findings(main, NET.format(path="../units.msl")) == []
    assert refused(findings(main, NET.format(path="../../secret.msl")))


def test_without_a_mark_the_project_is_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "unit.msl").write_text(BLOCK)
    (inner / "unit.msl").write_text(BLOCK)
    assert findings(inner / "net.msl", NET.format(path="unit.msl")) == []
    assert refused(findings(inner / "net.msl", NET.format(path="../unit.msl")))


def test_an_imported_file_is_held_to_the_same_root(project: Path) -> None:
    (project / "nets" / "near.msl").write_text('import "../../secret.msl"\n')
    found = findings(project / "net.msl", NET.format(path="nets/near.msl"))
    assert "MSL133" in [finding.rule.code for finding in found]
    assert all(finding.primary is not None for finding in found)


def test_no_file_at_all(project: Path) -> None:
    os.mkfifo(project / "pipe.msl")
    os.symlink("loop.msl", project / "loop.msl")
    for path in ("nets", "pipe.msl", "loop.msl", "none.msl", "", "n" * 300, "nets\\\\near.msl"):
        assert refused(findings(project / "net.msl", NET.format(path=path)))


def test_what_is_no_text(project: Path) -> None:
    (project / "raw.msl").write_bytes(b"\x80\x04\x95pickle\xff")
    assert refused(findings(project / "net.msl", NET.format(path="raw.msl"))) == "it is not UTF-8"


def test_circles(project: Path) -> None:
    (project / "a.msl").write_text('import "b.msl"\n')
    (project / "b.msl").write_text('import "nets/../a.msl"\n')
    (project / "self.msl").write_text('import "self.msl"\n')
    for name in ("a.msl", "self.msl"):
        found = [item for item in findings(project / name) if item.rule.code == "MSL134"]
        assert len(found) == 1 and found[0].primary is not None


def chain(project: Path, length: int) -> list[Diagnostic]:
    """What is found in a file that imports another, and so on."""
    for number in range(length):
        (project / f"c{number}.msl").write_text(f'import "c{number + 1}.msl"\n')
    (project / f"c{length}.msl").write_text(BLOCK)
    text = NET.format(path="c0.msl").replace("Unit", "ReLU")
    return [item for item in findings(project / "net.msl", text) if item.is_error]


def test_depth(project: Path) -> None:
    assert chain(project, DEPTH_LIMIT - 1) == []
    assert "deep" in refused(chain(project, DEPTH_LIMIT))


def test_number_of_files(project: Path) -> None:
    for number in range(FILE_LIMIT):
        (project / f"f{number}.msl").write_text(f"block B{number} {{ Linear(3) }}\n")
    text = NET.format(path="f0.msl").replace("Unit", "B0")
    most = "".join(f'import "f{number}.msl"\n' for number in range(1, FILE_LIMIT - 1))
    assert [item for item in findings(project / "net.msl", most + text) if item.is_error] == []
    more = most + f'import "f{FILE_LIMIT - 1}.msl"\n'
    found = [item for item in findings(project / "net.msl", more + text) if item.is_error]
    assert "more than" in refused(found)


def test_standard_input_imports_nothing(project: Path) -> None:
    from dsl.source import Source

    found = list(Compilation(Source("<stdin>", NET.format(path="units.msl"))).diagnostics)
    assert "no" in refused(found) or found
