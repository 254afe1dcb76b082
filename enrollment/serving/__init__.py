"""Serving: the two listeners, the headers of every answer, the log, health.

`server` runs the worker processes, `listeners` keeps HTTP and TLS apart inside one of them,
`certificate` keeps the site's own TLS certificate fresh. Nothing here knows a protocol's pages.
"""
