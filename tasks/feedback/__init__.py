"""Feedback: what people say of findings."""
