"""Sampling plans, the draws made by them, and the items drawn."""
