"""How well each published window kept its contract, and what was kept out."""
