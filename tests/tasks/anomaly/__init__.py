"""Tests of tasks.anomaly."""
