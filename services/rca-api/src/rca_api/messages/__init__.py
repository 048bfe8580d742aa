"""The conversation on a case: what both sides read, and what the client's people keep among themselves."""
