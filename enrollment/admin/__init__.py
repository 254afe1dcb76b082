"""The managers' desk, one file per model.

`site` is the desk itself; `queue`, `review` and `bulk` are its acts; `access` says who may do what;
`registry` names every page. Nothing here decides about certificates or writes a disposition: that
is `enrollment.services`.
"""
