"""Cells that behave alike, the weeks they share, and the KPIs that move together."""
