"""Reports: what was found, as a page to send."""
