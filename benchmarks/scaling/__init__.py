"""How time and memory grow with rows, window, columns and threads."""
