"""What people want saved where, read from their words into a typed goal."""
