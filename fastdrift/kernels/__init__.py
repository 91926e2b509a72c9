"""Every jitted function, a stage a file; numpy and numba alone."""
