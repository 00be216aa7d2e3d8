"""Tests of tasks.reporting."""
