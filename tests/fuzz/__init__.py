"""Every parser that a stranger reaches, fed with what no program sends.

`make fuzz` runs them for ten minutes each; `make test` for some seconds. docs/howto/fuzz.md tells
how to run one, repeat a finding and add a target.
"""
