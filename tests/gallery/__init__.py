"""Names that want to be more than names, in every place where somebody else's text is shown.

docs/reference/hostile-names.md lists them and what becomes of them; a test compares.
"""
