"""The version of MSL, the package."""

VERSION = "0.1.0"
