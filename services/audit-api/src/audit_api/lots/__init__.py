"""Lots: a vendor's decisions of a period, accepted or rejected as a whole by a sample (MIL-STD-105E)."""
