"""Measurement files of TS 32.435 and TS 28.532: read, interpreted, made rows."""
