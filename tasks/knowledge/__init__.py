"""Knowledge: documents and validated cases that can be found by meaning and by word."""
