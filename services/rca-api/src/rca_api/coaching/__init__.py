"""Coaching: sessions and trainings about the errors of a person, on record with the person's own word."""
