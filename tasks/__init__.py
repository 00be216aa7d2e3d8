"""What is decided and done: one folder a capability, adapters behind ports."""
