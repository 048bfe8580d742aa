"""The report on coverage: what was planned, drawn and audited, what is left, and whether it will be done in time."""
