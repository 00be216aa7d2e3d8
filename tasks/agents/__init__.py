"""The one runtime of all agents: tools, sessions, budgets, transcripts, negotiation."""
