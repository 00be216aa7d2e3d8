"""What network functions counted."""
