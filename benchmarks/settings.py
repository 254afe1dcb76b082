"""The site's own settings with one more address: a view that does nothing, the floor of the run."""

from certsrv.settings import *  # noqa: F403 - everything, and one change

ROOT_URLCONF = "benchmarks.urls"
