"""People's records: change requests and trouble tickets."""
