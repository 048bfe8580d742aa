"""Simulations of the statistics, with fixed seeds."""
