"""The four verbs, submit, decide, issue, deliver, and what managers do.

Doors, the desk and the commands call these and nothing below them. Ids and values go in, rows and
values come out; nothing here knows HTTP.
"""
