"""Training: which family serves which profile, chosen by time-ordered validation."""
