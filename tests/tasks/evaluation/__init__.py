"""Tests of tasks.evaluation."""
