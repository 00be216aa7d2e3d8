"""What is published: contracts, checks and derivations. Pure: frames in, frames out."""
