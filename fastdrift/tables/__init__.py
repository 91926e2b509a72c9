"""Any kind of table in, the same kind out."""
