"""`make bench`: the goals of speed measured on this machine, beside programs that do the same work bare."""
