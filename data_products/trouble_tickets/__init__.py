"""The product trouble_tickets."""
