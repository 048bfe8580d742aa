"""What looking at harmful content adds up to for a person, and what protects them from too much of it."""
