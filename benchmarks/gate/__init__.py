"""The regression gate: every case's speed beside its committed floor."""
