"""Reports on work: the RCA report and the weekly summary."""
