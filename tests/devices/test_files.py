"""Users' files: what they add and change, and every mistake with its place and cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import devices
from dsl.devices import BadDeviceFile
from dsl.devices.files import KEYS, Layer, check
from dsl.devices.places import own_path
from dsl.diagnostics.render import render
from dsl.source import Source
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

CARD = '[lab]\nkind = "gpu"\nmemory = 23.7\nbandwidth = 936\nfp32 = 35.6\n'


def layer(text: str) -> Layer:
    return check(Source("devices.toml", text))


def codes(text: str) -> list[str]:
    return [finding.rule.code for finding in layer(text).errors]


def shown(text: str) -> str:
    return render(layer(text).errors, "text")


# --- what a file does -------------------------------------------------------------------------


def test_a_file_of_the_project_adds_a_device(alone: Path) -> None:
    (alone / "devices.toml").write_text(CARD)
    device = devices.find("lab")
    assert device.memory == round(23.7 * 2**30) and device.peaks == {"fp32": 35.6e12}
    assert device.origin.endswith("devices.toml") and device.family == "other"
    assert devices.names()[-1] == "lab" and devices.all()[-1] == device


def test_the_project_is_found_from_below(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone / "devices.toml").write_text(CARD)
    (alone / "models").mkdir()
    monkeypatch.chdir(alone / "models")
    assert devices.find("lab").name == "lab"


def test_a_known_device_keeps_what_is_not_said(alone: Path) -> None:
    (alone / "devices.toml").write_text("[h100-sxm]\nprice = 2.10\nmemory = 70\n")
    device = devices.find("H100 SXM")
    assert device.price.low == device.price.high == 2.1
    assert device.price.date == "" and device.price.source == "your own"
    assert device.memory == 70 * 2**30 and device.peak("bf16") == 989e12
    assert "h100-sxm" in device.source
    assert len(devices.names()) == len(set(devices.names()))


def test_a_device_may_start_from_another(alone: Path) -> None:
    (alone / "devices.toml").write_text(
        '[lab]\nbase = "rtx-3090"\nprice = [0.1, 0.2]\n\n[lab2]\nbase = "lab"\ntdp = 250\n'
    )
    lab = devices.find("lab2")
    assert lab.peaks == devices.find("rtx-3090").peaks and lab.tdp == 250 and lab.price.high == 0.2


def test_a_device_may_have_other_names(alone: Path) -> None:
    (alone / "devices.toml").write_text(CARD + 'aliases = ["Big Card"]\n[a100-80gb]\ntdp = 1\n')
    assert devices.find("big-card").name == "lab"
    assert devices.find("NVIDIA A100-SXM4-80GB").tdp == 1


def test_the_own_file_is_where_the_system_keeps_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert own_path() == str(Path.home() / ".config" / "msl" / "devices.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("APPDATA", "/settings")
    assert own_path() == str(Path.home() / ".config" / "msl" / "devices.toml")
    monkeypatch.setattr(os, "name", "nt")
    assert own_path().startswith("/settings")


def test_files_count_in_order(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path(own_path())
    own.parent.mkdir(parents=True)
    own.write_text(CARD + "tdp = 1\n[mine]\nbase = 't4'\n")
    assert devices.find("lab").tdp == 1
    (alone / "devices.toml").write_text("[lab]\ntdp = 2\n")
    assert devices.find("lab").tdp == 2
    third = alone / "more.toml"
    third.write_text("[lab]\ntdp = 3\n")
    monkeypatch.setenv("MSL_DEVICES", str(third))
    assert devices.find("lab").tdp == 3 and devices.find("mine").family == "turing"
    assert devices.find("lab").bandwidth == 936e9


def test_a_file_that_is_asked_for_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSL_DEVICES", "nowhere.toml")
    with pytest.raises(BadDeviceFile, match=r"nowhere\.toml"):
        devices.find("t4")


def test_a_file_with_mistakes_is_never_half_used(alone: Path) -> None:
    (alone / "devices.toml").write_text(CARD + "\n[other]\nmemory = 1\n")
    for ask in (devices.names, devices.all, lambda: devices.find("t4")):
        with pytest.raises(BadDeviceFile) as caught:
            ask()
        assert [finding.rule.code for finding in caught.value.diagnostics] == ["MSL702"]


@pytest.mark.parametrize("data", [b"\xff\xfe[lab]", b"[lab]\nx = \x00"])
def test_bytes_that_are_no_text_are_a_finding(alone: Path, data: bytes) -> None:
    (alone / "devices.toml").write_bytes(data)
    with pytest.raises(BadDeviceFile) as caught:
        devices.names()
    assert caught.value.diagnostics[0].rule.code == "MSL701"


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[lab\n", ":1:", "expected"),
        (CARD + "memory = 3\n", ":6:", "overwrite"),
        ("x = " + "[" * 5000, ":1:", ""),
        ("memory = 24\n", ":1:", "belongs to no device"),
        ("[lab]\nmemory = 3\n", ":1:", "`bandwidth`"),
        ('[lab]\nbase = "rtx-309"\n', ":2:", "did you mean `rtx-3090`"),
        (CARD + "bandwith = 900\n", ":6:", "did you mean `bandwidth`"),
        (CARD.replace("23.7", '"24 GB"'), ":3:", "a positive number"),
        (CARD.replace("23.7", "-1"), ":3:", "a positive number"),
        (CARD.replace("23.7", "nan"), ":3:", "a positive number"),
        (CARD.replace("23.7", "inf"), ":3:", "a positive number"),
        (CARD.replace("23.7", "true"), ":3:", "a positive number"),
        (CARD.replace('"gpu"', '"gpuu"'), ":2:", "did you mean `gpu`"),
        (CARD + 'family = "amper-dc"\n', ":6:", "did you mean `ampere-dc`"),
        (CARD + "price = [3, 1]\n", ":6:", "the lowest and the highest"),
        (CARD + 'price = "free"\n', ":6:", "dollars an hour"),
        (CARD + "units = 1.5\n", ":6:", "a count"),
        (CARD + 'aliases = "x"\n', ":6:", "a list"),
        (CARD + "title = 3\n", ":6:", "a text"),
        ("[Lab_X]\n" + CARD.partition("\n")[2], ":1:", "no name for a device"),
        ("['a b']\n" + CARD.partition("\n")[2], ":1:", "no name for a device"),
        ("[[lab]]\n" + CARD.partition("\n")[2], ":1:", "belongs to no device"),
    ],
)
def test_a_mistake_has_its_place_and_its_cure(text: str, place: str, words: str) -> None:
    drawn = shown(text)
    assert codes(text) in (["MSL701"], ["MSL702"]), drawn
    assert f"devices.toml{place}" in drawn and words in drawn and "help" in drawn


def test_each_mistake_is_one_finding() -> None:
    text = CARD + "bandwith = 1\nprice = -1\n\n[two]\nkind = 'cpu'\n"
    assert codes(text) == ["MSL702"] * 3


# --- traps ------------------------------------------------------------------------------------


def card(name: str, **changes: float | str) -> str:
    lines = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
             for key, value in changes.items()]  # fmt: skip
    return "\n".join([f"[{name}]", *lines]) + "\n"


H100 = {"kind": "gpu", "memory": 80, "bandwidth": 3350, "fp32": 67}
A100 = {"kind": "gpu", "memory": 80, "bandwidth": 2039, "fp32": 19.5}
L40S = {"kind": "gpu", "memory": 48, "bandwidth": 864, "fp32": 91.6}
R3090 = {"kind": "gpu", "memory": 24, "bandwidth": 936, "fp32": 35.6}


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        (card("lab", **H100, bf16=1979), "bf16 = 989"),
        (card("lab", **H100, fp16=1978.9), "fp16 = 989"),
        (card("lab", **H100, bf16=989, fp8=3958), "fp8 = 1979"),
        (card("lab", **A100, bf16=624), "bf16 = 311.9"),
        (card("lab", **A100, tf32=312), "tf32 = 155.9"),
        (card("lab", **L40S, bf16=733), "bf16 = 36"),
        (card("lab", **L40S, fp8=1466), "fp8 = 733"),
        (card("lab", **R3090, bf16=142), "bf16 = 71.16"),
        (card("lab", **R3090, bf16=285), "bf16 = 71.16"),
        (card("lab", kind="gpu", memory=24, bandwidth=1008, fp32=82.6, bf16=330.3), "165.2"),
        (card("lab", kind="gpu", memory=24, bandwidth=1008, fp32=82.6, bf16=660.6), "165.2"),
        (card("lab", kind="gpu", memory=24, bandwidth=300, fp32=30.3, bf16=242), "bf16 = 121"),
        (card("lab", kind="gpu", memory=64, bandwidth=3276, fp32=47.9, bf16=383), "191.5"),
        (card("h100-sxm", bf16=1979), "bf16 = 989"),
        (card("lab", base="a100-40gb", fp16=624), "fp16 = 311.9"),
        (card("lab", **H100, bf16=989, sparse="x").replace('"x"', "true"), "bf16 = 494.5"),
    ],
)
def test_numbers_of_sheets_that_are_not_dense_are_refused(text: str, cure: str) -> None:
    assert codes(text) == ["MSL703"], shown(text)
    assert cure in shown(text)


def test_a_rate_beyond_the_units_is_refused() -> None:
    text = card("new", kind="gpu", family="hopper", units=132, clock=1.83, memory=60,
                bandwidth=3000, fp32=67, bf16=1300)  # fmt: skip
    assert codes(text) == ["MSL703"] and "bf16 = 989.4" in shown(text)


def test_a_rate_beyond_what_the_family_does_is_refused() -> None:
    text = card(
        "new", kind="gpu", family="ada-geforce", memory=20, bandwidth=700, fp32=50, bf16=210
    )
    assert codes(text) == ["MSL703"] and "2 times" in shown(text)


@pytest.mark.parametrize(
    "text",
    [
        card("lab", **H100, bf16=989, fp8=1979),
        card("lab", **A100, tf32=156, bf16=312),
        card("lab", **L40S, bf16=362, fp8=733),
        card("lab", **L40S, bf16=181),
        card("lab", **R3090, bf16=71),
        card("lab", **R3090, bf16=40),
        card("new", kind="gpu", memory=120, bandwidth=9000, fp32=200, bf16=3300, fp8=6600),
        card("lab", **A100, bf16=624) + "dense = true\n",
        card("pi", kind="cpu", memory=8, bandwidth=17, fp32=0.15),
        card("h100-sxm", bf16=800, bandwidth=3000),
    ],
)
def test_right_numbers_are_taken(text: str) -> None:
    assert codes(text) == [], shown(text)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        (card("lab", **H100 | {"bandwidth": 3.35}), "bandwidth = 3350"),
        (card("lab", **H100 | {"bandwidth": 3.35e12}), "bandwidth = 3350"),
        (card("lab", **H100 | {"memory": 81559}), "memory = 79.65"),
        (card("lab", **H100 | {"memory": 85899345920}), "memory = 80"),
        (card("lab", **H100 | {"fp32": 67000}), "fp32 = 67"),
        (card("lab", **H100 | {"fp32": 67e12}), "fp32 = 67"),
        (card("lab", kind="cpu", memory=8, bandwidth=100, fp32=0.0001), "GB/s"),
        (card("l4", bandwidth=3350), "bandwidth = 300"),
        (card("lab", kind="gpu", memory=128, bandwidth=3277, fp32=95.7, bf16=383), "191.5"),
    ],
)
def test_other_units_and_other_devices_are_refused(text: str, cure: str) -> None:
    assert codes(text) == ["MSL704"], shown(text)
    assert cure in shown(text)


def test_a_fix_rewrites_the_setting() -> None:
    text = card("lab", **H100, bf16=1979)
    (finding,) = layer(text).errors
    (edit,) = finding.fix.edits
    mended = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    assert codes(mended) == [] and "bf16 = 989\n" in mended


def test_the_example_of_the_page_is_right() -> None:
    page = (ROOT / "dsl" / "devices" / "README.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    assert layer(text).errors == () and set(layer(text).tables) == {
        "lab-3090",
        "h100-sxm",
        "new-card",
    }


WHOLE = (
    CARD + 'family = "ampere-geforce"\nunits = 82\nclock = 1.695\nbf16 = 71\nprice = [0.2, 0.4]\n'
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_gets_findings_with_places(data: st.DataObject) -> None:
    """Characters are put in, taken out and doubled: findings with a place, never an exception."""
    text = WHOLE + '\n[two]\nbase = "lab"\nbandwidth = 900.0\n'
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(st.text("[]{}=\"'\\#.,-1e9\n a\x00é", max_size=4)) + text[end:]
    errors = layer(text).errors
    assert bool(render(errors, "text")) == bool(errors)
    for finding in errors:
        assert finding.primary is not None and finding.helps


@given(st.dictionaries(st.sampled_from(KEYS), st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text("ab9 -", max_size=5), st.lists(st.floats()),
    st.dates(), st.just({"a": 1}),
)))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_settings_of_any_type_are_taken_or_refused(table: dict[str, object]) -> None:
    text = "[lab]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in table.items())
    render(layer(text).errors, "text")


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return "{ a = 1 }"
    return f'"{value}"' if isinstance(value, str) else str(value)
