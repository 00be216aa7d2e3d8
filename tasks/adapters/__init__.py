"""Adapters: one file an engine; each speaks to one outside service and translates its errors."""
