"""Values that cross rooms and ports: between agents, guards, people and executors."""
