"""Whether a plan worked: a rate before and after in its scope, beside the rest as control."""
