"""From scores to what people act on: levels with a promise, events, when they began and why."""
