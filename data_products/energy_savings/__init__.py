"""The product energy_savings."""
