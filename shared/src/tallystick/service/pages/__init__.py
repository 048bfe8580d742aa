"""Pages for people: what all services' pages have in common. Their templates extend `base.html` and use its parts."""
