"""Benchmarks: the product beside references that do the same work by hand, in one run on the same machine."""
