"""Measurements: `make bench`, or `python -m benchmarks [core] [lint] [http]`.

Every figure is printed with what it is compared to in the same run, because times of one machine
on one day say little. `RESULTS.md` keeps a run.
"""
