"""Why it went wrong: a tree of whys, and the root causes at its ends."""
