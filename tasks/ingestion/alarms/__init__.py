"""Alarms: notifications as found, made stateful records."""
