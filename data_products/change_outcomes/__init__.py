"""The product change_outcomes."""
