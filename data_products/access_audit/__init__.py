"""Who read what, when and why, and who was refused."""
