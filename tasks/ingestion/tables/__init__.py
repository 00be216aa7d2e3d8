"""Tables (CSV, Parquet, xlsx) that a mapping file explains."""
