"""Energy saving: watts saved under a promise to users, off and on again, proved by the bill."""
