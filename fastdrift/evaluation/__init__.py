"""How right scores and events are, with labels or without."""
