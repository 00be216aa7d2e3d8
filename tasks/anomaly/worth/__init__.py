"""What findings are worth: probability, learnt from verdicts, and the order of reading."""
