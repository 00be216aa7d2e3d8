"""Evaluation: what was found is compared with what was true, beside the baseline."""
