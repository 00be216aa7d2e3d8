"""How every managed object is configured, since when, and where that is not as planned."""
