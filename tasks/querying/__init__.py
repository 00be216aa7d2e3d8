"""Querying: metric queries answered from published tables."""
