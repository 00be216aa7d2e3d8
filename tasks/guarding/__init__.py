"""Guarding: proposals are judged by guardrails, on facts that are gathered here."""
