"""Sessions of subscribers, as a probe saw them: a sample, pseudonymous, restricted."""
