"""Links between cases: related ones, duplicates, and where a case comes from."""
