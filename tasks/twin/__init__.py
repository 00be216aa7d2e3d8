"""The digital twin: a physical, seeded model of a radio network and its faults."""
