"""Back up, verify, restore: one archive holds what is the CA, and proves itself.

`envelope` is the encrypted file, `manifest` what it says about itself, `database` the copy of the
rows; `create`, `inspect` and `restore` are the acts. After a restore `reconcile` moves numbers
ahead and brings back, from the logs, what the backup does not know (ADR 0018, 0019).
"""
