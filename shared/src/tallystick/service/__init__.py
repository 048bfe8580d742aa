"""The kit that all three services stand on: settings, sessions, problems, paging, identity, feeds, health, migrations."""
