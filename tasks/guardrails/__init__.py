"""What no proposal may break, whoever made it: pure code that reads no prose."""
