"""Where each cell stands and who its neighbors are."""
