"""Tests of tasks.anomaly.worth."""
