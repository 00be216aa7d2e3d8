"""What was saved, as an auditor would say: against a counterfactual, with an interval."""
