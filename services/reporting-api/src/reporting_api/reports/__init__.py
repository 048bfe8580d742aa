"""The named reports, each made of answers of the metrics and nothing else."""
