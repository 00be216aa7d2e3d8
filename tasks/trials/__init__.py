"""Trials: how well language models do the work that agents ask of them."""
