"""KPIs of core functions, transport and site supply by 15 minutes, hour and day."""
