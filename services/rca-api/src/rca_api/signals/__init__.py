"""Signals of reporting-api: each leads to a case once, however often it is heard and however many replicas listen."""
