"""The product agent_runs."""
