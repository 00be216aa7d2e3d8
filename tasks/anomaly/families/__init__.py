"""Model families: ways to say how strange a cell's deviations are, behind one protocol."""
