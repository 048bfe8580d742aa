"""What keeps the stack from running."""


class StackError(Exception):
    """The stack cannot start or go on. The message says why and what to do, for a person to read."""
