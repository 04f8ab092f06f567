"""Runs a file of tests with pytest; exit status 77 if there is no pytest, or if all tests were
skipped."""
import sys

try:
    import pytest
except ImportError:
    print('skipped: python3-pytest is not installed')
    sys.exit(77)


class _Outcomes:
    ran = 0

    def pytest_runtest_logreport(self, report):
        self.ran += report.when == 'call' and not report.skipped


outcomes = _Outcomes()
status = pytest.main(['-q', '-rs', '-p', 'no:cacheprovider', *sys.argv[1:]], plugins=[outcomes])
sys.exit(77 if status in (0, 5) and not outcomes.ran else status)
