"""The wire vocabulary: every message that crosses HTTP, as Pydantic models. No server, no database."""
