"""Tests of tasks.anomaly.nearby."""
