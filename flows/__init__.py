"""In which order: one flow a file; wiring only."""
