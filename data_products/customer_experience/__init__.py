"""Users and the quality they had, by cell, service and time; no one can be told apart."""
