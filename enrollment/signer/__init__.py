"""The signer: a process of its own that holds the keys of the CA and signs what may be signed.

It listens on a Unix socket, answers its own user only, and judges every content for itself
(`rules`) before a key is used; each use stands in a log of its own. ADR 0010 has the reasons.
"""
