"""KPIs of each cell by 15 minutes, hour and day."""
