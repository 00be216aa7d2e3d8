"""The product sleep_plans."""
