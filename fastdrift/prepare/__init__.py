"""Telemetry as it was logged, made fit to use."""
