"""Plans: how the effect of a case's actions will be judged, registered before they start, and what was judged."""
