"""What every test runs under: no display, and property tests that are repeatable where it matters."""

import os

from hypothesis import settings

# Set before anything imports matplotlib; subprocesses started by tests inherit it.
os.environ["MPLBACKEND"] = "Agg"

# No deadline: the first call of a kernel compiles for seconds. Derandomised in CI: the same commit, the same examples.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
