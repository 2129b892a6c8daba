"""Fixtures of the commands, for these tests as well."""

from __future__ import annotations

from tests.cli.conftest import msl

__all__ = ["msl"]
