"""The product operations_documents."""
