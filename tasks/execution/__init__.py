"""Execution: approved changes are written, verified by their effect, and taken back."""
