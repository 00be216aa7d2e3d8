"""What words mean: measurements, KPIs, units, objects, periods. Pure: it reads its catalogue."""
