"""Runs one file of tests under pytest; exit status 77 means that nothing could be tested, and says
why."""
import sys

SKIPPED = 77

try:
    import pytest
except ImportError:
    print("skipped: pytest is missing; install python3-pytest")
    sys.exit(SKIPPED)


class Count:
    """Counts what ran, to tell "all is well" from "all was skipped"."""

    ran = 0

    def pytest_runtest_logreport(self, report):
        self.ran += report.when == "call" and not report.skipped


count = Count()
status = pytest.main(["-q", "-rs", "-p", "no:cacheprovider", "--durations=3", *sys.argv[1:]], plugins=[count])
sys.exit(SKIPPED if status == 0 and count.ran == 0 else int(status))
