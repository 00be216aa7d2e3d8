"""The product change_history."""
