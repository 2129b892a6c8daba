"""Fixtures of the commands, for these tests as well."""

from __future__ import annotations

from tests.cli.conftest import msl, net

__all__ = ["msl", "net"]
