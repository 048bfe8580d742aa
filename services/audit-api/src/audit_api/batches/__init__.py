"""Audit batches: what a BPO's system pushed at once, with a verdict on every row."""
