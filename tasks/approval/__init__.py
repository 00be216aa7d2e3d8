"""Approval: who said yes to what, and the page that tells a decision's whole story."""
