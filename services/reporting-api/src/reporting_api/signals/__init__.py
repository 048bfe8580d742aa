"""Signals: what detectors find in the numbers of a programme, kept, listed and on a feed of their own."""
