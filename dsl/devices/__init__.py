"""Devices that models run on: what each has, who says so, and what a user adds.

`find` gives one by its name, `names` lists them, `all` gives every one. Numbers are built in
(`devices.toml`), and users' own files add to them and change them (`files`).
"""

from __future__ import annotations

from dsl.devices.catalogue import BadDeviceFile, UnknownDevice, all, find, names
from dsl.devices.device import Device, Price

__all__ = ["BadDeviceFile", "Device", "Price", "UnknownDevice", "all", "find", "names"]
