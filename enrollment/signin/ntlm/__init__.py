"""NTLM version 2 and nothing older, for programs that know nothing else (ADR 0028).

`messages` reads and writes octets, `proof` computes, `exchanges` remembers which challenge was
given on which connection, `place` says where NTLM exists at all. The method itself is
`methods.ntlm`, the accounts are `services.ntlm_accounts`.
"""
