"""Explaining: an agent tells what a finding may come from, and what would decide."""
