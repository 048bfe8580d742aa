"""Audits: recorded once, revised with a reason, never edited."""
