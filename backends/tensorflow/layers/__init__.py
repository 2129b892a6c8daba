"""Emitters of layers for Keras, one file per family, named as in `dsl.layers`."""

from backends.base import Emitters

TENSORFLOW = Emitters("tensorflow")
