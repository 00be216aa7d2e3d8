"""Configuration and topology: as delivered, with history and drift."""
