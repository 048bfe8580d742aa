"""The projection: following the feeds, and keeping facts and sums in step with them."""
