"""What cells will have to carry: quantiles of load over the planning horizon."""
