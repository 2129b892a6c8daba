"""The report of ``msl cost --html``: whole, by itself, safe, and with the numbers of ``--json``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import dsl
from dsl.cost.efficiency import CACHED, FITTED
from dsl.cost.estimate import Outlook, on_device, outlook, setup_of
from dsl.cost.figures import record
from dsl.cost.html import roofline
from dsl.cost.html.bars import most
from dsl.cost.html.page import page
from dsl.cost.html.rows import MOST, Paths, Row, rows_of, shortened, total, tree
from dsl.cost.html.text import embedded, esc
from dsl.cost.html.timeline import thinned, timeline
from dsl.devices import find
from dsl.ir import Model
from tests.cli.conftest import Msl, msl, net, written
from tests.cost.test_report import SPECS, whole

pytestmark = pytest.mark.slow

__all__ = ["msl", "net"]

VOID = {"meta", "input"}
DRAWN = {"path", "circle"}


class Elements(HTMLParser):
    """Reads a page; every element must be closed where it belongs.

    Attributes:
        found: Each element's name and attributes.
        texts: The text of each script and of each cell.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in DRAWN
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts[-1] += data
        elif "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    @property
    def data(self) -> dict:
        """The embedded JSON."""
        return json.loads(self.scripts[0])


def outlooks(name: str, *devices: str, trains: bool | None = None) -> tuple[list[Outlook], Model]:
    """A spec on its own, or on each device."""
    loaded = dsl.load(str(SPECS / name))
    training, model = loaded.compilation.training, whole(loaded)
    counted = outlook(model, training, setup_of(training, 4, trains), batch=1)
    return [on_device(counted, find(device)) for device in devices] or [counted], model


def report(name: str, *devices: str, trains: bool | None = None) -> str:
    """The page of a spec."""
    return page(*outlooks(name, *devices, trains=trains))


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("devices", [(), ("h100-sxm",), ("t4", "h100-sxm", "rtx-3080")])
@pytest.mark.parametrize("name", ["gpt2.msl", "unet.msl", "two_towers.msl", "seed_rnn.msl"])
def test_pages_are_whole_and_stand_alone(name: str, devices: tuple[str, ...], trains: bool) -> None:
    text = report(name, *devices, trains=trains)
    assert text.isascii() and "$" not in re.sub(r"\$/M", "", text.split("<script")[0])
    read = Elements(text)
    assert not {"link", "img", "iframe", "object", "base", "form"} & {tag for tag, _ in read.found}
    for tag, attributes in read.found:
        assert not {"src", "href", "srcset", "action"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text)
    ids = [attributes["id"] for _, attributes in read.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [a["aria-labelledby"] for _, a in read.found if "aria-labelledby" in a]
    assert set(named) <= set(ids)
    assert ("roofline" in ids) == bool(devices) and ("devices" in ids) == (len(devices) > 1)


def test_the_policy_lets_only_its_own_script_run() -> None:
    from base64 import b64encode
    from hashlib import sha256

    read = Elements(report("unet.msl"))
    (policy,) = (a["content"] for _, a in read.found if a.get("http-equiv"))
    digest = b64encode(sha256(read.scripts[1].encode()).digest()).decode()
    assert policy.startswith("default-src 'none';") and policy.endswith(f"'sha256-{digest}'")


@pytest.mark.parametrize("name", ["gpt2.msl", "resnet50.msl"])
def test_numbers_are_those_of_the_json(name: str) -> None:
    made, model = outlooks(name, "h100-sxm")
    read = Elements(page(made, model))
    said = json.loads(json.dumps(record(made[0])))
    layers = said.pop("layers")
    assert read.data["reports"] == [said]
    text = page(made, model)
    cells = [
        [int(cell) for cell in re.findall(r'data-v="(\d+)"', row)]
        for row in text.split('id="all"')[1].split("<tbody>")[1].split("</tbody>")[0].splitlines()
        if row
    ]
    assert [row[:3] for row in cells] == [
        [layer["params"], layer["macs"], 2 * layer["macs"]] for layer in layers
    ]
    assert sum(row[3] for row in cells) == sum(made[0].memory.kept.values())
    shown = [row for row in read.rows if row and row[0] == layers[-1]["path"]]
    assert [f"{layers[-1]['params']:,}" if layers[-1]["params"] else "" in row for row in shown]
    state = said["memory"]
    drawn = read.data["timeline"]
    assert drawn["state"] == state["weights"] + state["buffers"] + state["optimizer"]
    assert max(moment[3] for moment in drawn["moments"]) + drawn["state"] == state["live_peak"]


def test_figures_stand_in_the_page() -> None:
    text = re.sub(r"<[^>]+>", "", report("unet.msl", "h100-sxm"))
    for words in (
        "31,036,481",
        "96.18 GFLOPs",
        "FITS",
        "to spare",
        "494 TFLOP/s tf32",
        "3.35 TB/s",
    ):
        assert words in text
    assert "DOES NOT FIT" not in text and "short" not in text


def test_pages_are_the_same_every_time_and_small() -> None:
    text = report("gpt2.msl", "h100-sxm")
    assert text == report("gpt2.msl", "h100-sxm")
    assert len(text) < 200_000


HOSTILE = ("</script><script>alert(1)</script>", "\"'><img src=x>", "a\u202eb", "caf\u00e9",
    "\ud800", "<!--", "]]>", "&lt;", "$title", "line\nline")  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_never_markup(name: str) -> None:
    (made,), model = outlooks("unet.msl", "h100-sxm")
    layer = made.cost.layers[0]
    layer.path = layer.kind = name
    moments = (("forward", name, 5, 5, 0), *made.memory.moments)
    device = made.device.replace(title=name, name=name)
    kept = {**made.memory.kept, name: 7}
    hostile = made.replace(device=device, memory=made.memory.replace(moments=moments, kept=kept))
    plain = Elements(report("unet.msl", "h100-sxm"))
    text = page([hostile], model.replace(name=name))
    assert text.isascii() and "\u202e" not in text
    read = Elements(text)
    assert {tag for tag, _ in read.found} == {tag for tag, _ in plain.found}
    assert len(read.scripts) == 2 and read.scripts[1] == plain.scripts[1]
    assert read.data["timeline"]["moments"][0][1] == name
    for _, attributes in read.found:
        assert not {"src", "onerror"} & set(attributes)


def test_texts() -> None:
    assert esc("a<b>\"'&") == "a&lt;b&gt;&quot;&#x27;&amp;"
    assert esc("\u202eab\u00e9") == "\\u{202e}ab&#233;"
    assert embedded("</script>&") == '"\\u003c/script\\u003e\\u0026"'


def flat(count: int) -> str:
    """A spec of so many layers without a repeat."""
    layers = "\n".join("  Linear(4)" for _ in range(count))
    return f"model Long {{\n  input x: float32[4]\n{layers}\n  output y = ReLU\n}}\nloss MSE\n"


def test_ten_thousand_layers() -> None:
    loaded = dsl.loads(flat(10_000))
    compilation = loaded.compilation
    model = whole(loaded)
    made = outlook(model, compilation.training, setup_of(compilation.training, 4, True))
    text = page([on_device(made, find("t4"))], model)
    read = Elements(text)
    assert len(text) < 1_000_000
    assert f"{10_001 - MOST + 1:,} more layers" in text
    assert sum(1 for tag, _ in read.found if tag == "tr") < MOST + 20
    drawn = read.data["timeline"]["moments"]
    assert len(drawn) < 600
    assert max(moment[3] for moment in drawn) == made.memory.peak.bytes


def test_rows_that_are_not_listed_are_added_up() -> None:
    rows = [Row(f"l{index}", "Linear", "[4]", params=index, macs=2) for index in range(20)]
    short = shortened(rows, 5)
    assert [row.path for row in short] == ["l16", "l17", "l18", "l19", "16 more layers"]
    assert (total(short).params, total(short).macs, total(short).layers) == (190, 40, 20)
    assert shortened(rows, 20) == rows


def test_trees_add_up_and_end() -> None:
    rows = [Row("a.0..3.b.c", "Linear", "[4]", 5), Row("a.0..3.d", "ReLU", "[4]", 2),
        Row("e", "Add", "[4]", 1)]  # fmt: skip
    root = tree(rows, 3)
    assert list(root.inner) == ["a", "e"]
    assert root.inner["a"].row.params == 7 and root.row.params == 8
    assert list(root.inner["a"].inner["0..3"].inner) == ["b.c", "d"]


def test_levels_with_many_lines_end_in_one_for_the_rest() -> None:
    root = tree([Row(f"l{index}", "Linear", "[4]", index) for index in range(20)], 3)
    lines = most(root, 5)
    assert [line.name for line in lines] == ["l16", "l17", "l18", "l19", "16 more"]
    assert sum(line.row.params for line in lines) == root.row.params
    assert len(most(root, 20)) == 20


def test_layers_of_rounds_are_found() -> None:
    paths = Paths(["a.0..3.b", "a.4.b", "a.4.c", "norm"])
    assert paths.line("a.2.b") == "a.0..3.b"
    assert paths.line("a.4.c") == "a.4.c"
    assert paths.line("a.3") == "a.0..3.b"
    assert paths.line("loss") == "loss" and paths.line("a.9.b") == "a.9.b"
    for name in ("gpt2.msl", "resnet50.msl", "seed_rnn.msl"):
        made = outlooks(name, trains=True)[0][0]
        kept = sum(row.kept for row in rows_of(made))
        assert kept + made.memory.kept.get("loss", 0) == sum(made.memory.kept.values())


def test_moments_are_thinned_without_losing_the_peak() -> None:
    moments = tuple(("forward", f"l{index}", index, index + index % 7, 0) for index in range(100))
    few = thinned(moments, 10)
    assert len(few) == 10
    assert max(moment[3] for moment in few) == max(moment[3] for moment in moments)
    assert thinned(moments, 100) == list(moments)
    made = timeline(outlooks("unet.msl", "h100-sxm")[0][0])
    assert made.room == find("h100-sxm").memory and made.moments[-1][0] == "step"


def points(name: str) -> Iterator[tuple[roofline.Roof, roofline.Point]]:
    """The categories with products of a spec on several devices, under the roof of each."""
    for device in ("h100-sxm", "t4", "rtx-3080"):
        (made,), _ = outlooks(name, device)
        over = roofline.roof(made.device, made.setup.precision)
        yield from ((over, point) for point in roofline.by_category(made) if point.flops)


@pytest.mark.parametrize("name", ["gpt2.msl", "resnet50.msl", "unet.msl"])
def test_operations_are_below_the_roof(name: str) -> None:
    """But for the clock of GeForce cards and for what lies in a cache."""
    for over, point in points(name):
        assert 0 < point.achieved <= FITTED["gemm"] * CACHED * over.over(point.intensity)
        assert point.achieved <= FITTED["gemm"] * over.peak


def test_operations_add_up() -> None:
    (made,), _ = outlooks("gpt2.msl", "h100-sxm", trains=True)
    found = roofline.by_category(made)
    assert sum(point.flops for point in found) == sum(work.flops for work in made.memory.work)
    assert sum(point.count for point in found) == len(made.memory.work)
    spent = sum(point.seconds for point in found) * made.setup.accumulate
    parts = made.time.parts
    assert spent == pytest.approx(parts["forward"] + parts["backward"])
    assert {point.name for point in found} <= set(roofline.SPELLED)
    layers = roofline.by_layer(made)
    assert sum(point.flops for point in layers) == sum(work.flops for work in made.memory.work)


def test_the_command_writes_a_page(msl: Msl, net: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = msl("cost", net, "--html", path)
    assert result.exit_code == 0 and "total" in result.stdout
    text = path.read_text(encoding="ascii")
    Elements(text)
    assert msl("cost", net, "--html", path, "--on", "t4").exit_code == 0
    assert path.read_text(encoding="ascii") != text
    assert msl("cost", net, "--html", "-").stdout == text
    assert json.loads(msl("cost", net, "--html", path, "--json").stdout)["model"] == "Net"


def test_the_command_overwrites_only_its_own(msl: Msl, net: Path, tmp_path: Path) -> None:
    own = written(tmp_path, "notes.html", "<p>mine</p>")
    refused = msl("cost", net, "--html", own)
    assert refused.exit_code == 2 and "--force" in refused.stderr
    assert own.read_text() == "<p>mine</p>"
    assert msl("cost", net, "--html", own, "--force").exit_code == 0
    own.write_text(own.read_text().replace("<h1>", "<h1>My "))
    assert "edited by hand" in msl("cost", net, "--html", own).stderr
    assert msl("cost", net, "--html", net, "--force").exit_code == 2
    assert msl("cost", net, "--html", tmp_path / "no" / "x.html").exit_code == 2
    assert msl("cost", net, "--html", own, "--sweep", "batch=1..4").exit_code == 2
