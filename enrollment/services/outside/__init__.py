"""Accounts whose people are known elsewhere: what is said of them there, brought into our rows.

`told` is what a source can say of somebody, `mirror` the only writer of it, `entry` reads what a
directory answers, `conversation` asks it, and `ldap_accounts` is who signs in and who still may.
"""
