"""Programmes: one document each, with its history."""
