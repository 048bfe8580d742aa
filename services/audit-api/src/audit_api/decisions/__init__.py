"""Decisions: streamed in, counted for all, kept where an audit may come of them."""
