"""The product change_proposals."""
