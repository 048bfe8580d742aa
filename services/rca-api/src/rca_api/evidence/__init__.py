"""Evidence by itself: what a case rests on, asked of the other services when it is opened."""
