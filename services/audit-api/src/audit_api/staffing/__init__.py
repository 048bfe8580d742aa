"""Who audits what: auditors, the handing out of items, and plans of who is to do what."""
