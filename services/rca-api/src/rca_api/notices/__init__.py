"""Notices: what people are told about cases, actions, plans and coaching, each once, and by webhooks besides."""
