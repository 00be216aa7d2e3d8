"""The tools that agents share: each reads, searches or simulates; none writes to the network."""
