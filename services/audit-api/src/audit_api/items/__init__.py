"""Items of work: handed out one by one, audited, given back."""
