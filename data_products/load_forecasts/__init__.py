"""The product load_forecasts."""
