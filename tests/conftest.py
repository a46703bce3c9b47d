"""Settings of all tests."""

from hypothesis import settings

# The same examples on every machine: a red build must be red again when it is looked at.
settings.register_profile("swath", derandomize=True)
settings.load_profile("swath")
