"""The same work by other libraries, in one run."""
