"""Anomaly: every cell is scored against its own past and its peers; findings explain themselves."""
