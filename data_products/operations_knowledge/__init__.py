"""The product operations_knowledge."""
