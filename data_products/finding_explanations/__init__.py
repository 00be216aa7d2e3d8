"""The product finding_explanations."""
