"""The whole of Tallystick on one machine: PostgreSQL, the three services and the gateway under one supervisor."""
