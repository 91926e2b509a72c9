"""From a baseline to a model."""
