"""Ingestion: files as networks deliver them become measurement rows, or quarantine rows."""
