"""Plans of who audits what and when, by linear and integer programmes."""
