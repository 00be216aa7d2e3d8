"""The product decisions."""
