"""The product finding_verdicts."""
