"""Root-cause cases: opened with a scope, closed with a conclusion."""
