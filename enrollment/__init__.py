"""An open Certificate Services enrollment site: the CA and its doors.

`ca` is the pure core, `models` the rows, `services` the four verbs, `keys` the only way to a
private key, `protocols` one package per door, `admin` the certificate managers' desk.
"""

__version__ = "0.1.0"
