"""Tests of what fits, of choice and of differences."""
