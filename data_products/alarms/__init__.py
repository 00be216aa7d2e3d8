"""Alarms as states: raised, changed, cleared; and the notifications that they are made of."""
