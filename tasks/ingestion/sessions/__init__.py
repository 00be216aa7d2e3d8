"""Sessions of subscribers, as probes deliver them."""
