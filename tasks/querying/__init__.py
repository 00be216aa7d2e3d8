"""Answers to questions about metrics, asked at run time."""
