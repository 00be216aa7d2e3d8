"""Cells that behave unlike themselves."""
