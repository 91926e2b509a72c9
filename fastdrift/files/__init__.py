"""The disk: tables, archives, and nothing half written."""
