"""Scores of tables, pieces and points."""
