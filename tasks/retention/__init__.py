"""Keeps tables small and quick: compaction, expiry, lifecycle, checks."""
