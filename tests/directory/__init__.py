"""People of a directory, at a site that asks it."""
