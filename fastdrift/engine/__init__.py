"""Everything between a table and a kernel: threads, spans, scratch, compiled kernels."""
