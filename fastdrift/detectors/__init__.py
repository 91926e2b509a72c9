"""What scores windows: a detector a file, and what they share."""
