"""Management commands: arguments in, one service call."""
