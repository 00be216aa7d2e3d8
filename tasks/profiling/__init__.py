"""Profiling: cells that behave alike, and KPIs that move together."""
