"""Tests; the folders mirror `dsl` and `backends`."""
