"""Runs generated TensorFlow code to hold it against other backends; nothing else imports it."""

from __future__ import annotations

from backends.tensorflow.runtime.twin import KerasTwin

TWIN = KerasTwin
