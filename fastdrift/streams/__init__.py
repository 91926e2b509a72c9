"""Streams: a row at a time, with the bytes of the whole."""
