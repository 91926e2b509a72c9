"""Pictures of scores, columns and curves, as matplotlib figures."""
