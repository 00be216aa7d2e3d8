"""Reporting: findings as a page, a Markdown report and pictures for people."""
