"""Moves trained weights between the scripts of both backends: the same numbers, laid out anew.

Files are read without executing anything that they hold.
"""
