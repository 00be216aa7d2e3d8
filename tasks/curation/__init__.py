"""Curation: raw measurements become validated, published KPIs."""
