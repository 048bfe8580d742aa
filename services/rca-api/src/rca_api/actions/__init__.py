"""Actions: what is done about a root cause, and that it is really done, by its day, and verified by somebody else."""
