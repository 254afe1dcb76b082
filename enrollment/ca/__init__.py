"""The core of the CA: values in, values out.

Nothing here knows Django, reads a clock, a file or a setting, or opens a socket. Start with
`request` (what arrived), `policy` (what to do with it) and `issuance` (what is signed).
"""
