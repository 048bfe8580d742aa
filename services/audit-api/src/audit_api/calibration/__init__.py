"""Calibration: sessions of blind rating, their benchmark and conclusion, and what becomes of the concluded items."""
