"""The report on calibration: one session, and concluded sessions one after the other."""
