"""The product cell_wakings."""
