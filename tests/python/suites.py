#!/usr/bin/env python3
"""Runs test suites that were written for prometheus_client against libmetrics, each test in a
process and a segment of its own.

    suites.py [--list] [--only WORDS] DIRECTORY...

Each DIRECTORY is a checkout of a project: prometheus_client itself, of any release, or a package
that uses it. It stands first in sys.path, so of prometheus_client's own, modules that libmetrics
doesn't have are those of that release. Nothing of it becomes part of this tree; suites.md says
which were run, and what each test that fails fails by.

A test that fails runs again with prometheus_client itself: where that fails too, the reason is the
machine's packages. --list prints each test with its outcome, not only those that fail. --only runs
the tests whose names contain WORDS. Exit status: 0 if none fails with libmetrics alone, 1 if some
do, 2 if a suite can't be collected.
"""
import argparse
from collections import Counter
import contextlib
import io
import os
from pathlib import Path
import shutil
import signal
import sys
import tempfile
import traceback

from _pytest.runner import runtestprotocol
import pytest

_TIMEOUT_SECONDS = 60


def in_a_child(work):
    """Returns what work() returns, a text, in a forked child; the reason if it ends otherwise."""
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        text = 'FAILED the process ended'
        try:
            os.close(here)
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                text = work()
        except BaseException:
            text = 'FAILED ' + traceback.format_exc().splitlines()[-1]
        finally:
            os.write(there, text.encode(errors='replace')[:60000])
            os._exit(0)
    os.close(there)
    with open(here, 'rb') as pipe:
        text = pipe.read().decode(errors='replace')
    os.waitpid(pid, 0)
    return text or 'FAILED the process was killed'


def outcome_of(reports):
    for report in reports:
        if report.failed:
            crash = getattr(report.longrepr, 'reprcrash', None)
            lines = (crash.message if crash else str(report.longrepr)).splitlines()
            return 'FAILED ' + (lines[0] if lines else '')[:160]
    return 'skipped' if any(report.skipped for report in reports) else 'passed'


class _EachInAChild:
    """A plugin that runs each test in a child, which counts in a segment of its own."""

    def __init__(self, given, scratch):
        self._given = given
        self._scratch = scratch
        self.outcomes = []
        self.why = "pytest can't collect it"

    def pytest_collectreport(self, report):
        if report.failed:
            lines = [line for line in str(report.longrepr).splitlines() if line.startswith('E ')]
            self.why = f"pytest can't collect it: {lines[-1][1:].strip() if lines else report.longrepr}"

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self._given.only in item.nodeid]

    def pytest_runtest_protocol(self, item, nextitem):
        segment = f'{self._scratch}/{os.getpid()}-{len(self.outcomes)}'

        def run():
            os.environ['METRICS_SEGMENT'] = segment
            signal.alarm(_TIMEOUT_SECONDS)  # kills it
            return outcome_of(runtestprotocol(item, log=False, nextitem=None))
        self.outcomes.append(f'{item.nodeid}: {in_a_child(run)}')
        return True


def outcomes_of_file(file, directory, given, scratch, ours):
    """Returns a line for each test of a file."""
    def run():
        os.chdir(directory)
        sys.path[:0] = [str(directory), *(str(path) for path in [directory / 'src'] if path.is_dir())]
        os.environ['METRICS_SEGMENT'] = f'{scratch}/collected-{os.getpid()}'
        if ours:
            import libmetrics.auto  # noqa: F401
        plugin = _EachInAChild(given, scratch)
        status = pytest.main(['-q', '-p', 'no:cacheprovider', str(file)], plugins=[plugin])
        if not plugin.outcomes and status in (0, 5):
            return '\n'
        return '\n'.join(plugin.outcomes) if status in (0, 5) else f'{file}: FAILED {plugin.why}'
    return in_a_child(run).strip().splitlines()


def files_of(directory):
    """Returns the files of tests, but not those of examples and of load tests."""
    beginning = directory / 'tests' if (directory / 'tests').is_dir() else directory
    return [path for path in sorted(beginning.rglob('*.py'))
            if path.name.startswith('test_') or path.name.endswith('_test.py')]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument('--list', action='store_true')
    arguments.add_argument('--only', default='')
    arguments.add_argument('directories', nargs='+', type=Path)
    given = arguments.parse_args()
    status = 0
    scratch = tempfile.mkdtemp(prefix='suites-', dir='/dev/shm')
    try:
        for directory in (path.resolve() for path in given.directories):
            counts = Counter()
            for file in files_of(directory):
                lines = outcomes_of_file(file, directory, given, scratch, ours=True)
                if not lines:
                    continue
                failed = [line.partition(': ')[0] for line in lines if ': FAILED' in line]
                theirs = outcomes_of_file(file, directory, given, scratch, ours=False) if failed else []
                fails_too = {line.partition(': ')[0] for line in theirs if ': FAILED' in line}
                for line in lines:
                    name, _, outcome = line.partition(': ')
                    kind = outcome.split(' ')[0]
                    if kind == 'FAILED' and name in fails_too:
                        kind, line = 'fail with prometheus_client too', f'{line} (with prometheus_client too)'
                    counts[kind] += 1
                    if given.list or kind == 'FAILED' or 'FAILED' in line:
                        print(line, flush=True)
            print(f'{directory.name}: ' + ', '.join(f'{n} {what}' for what, n in sorted(counts.items())), flush=True)
            status = max(status, 2 if not counts else 1 if counts['FAILED'] else 0)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return status


if __name__ == '__main__':
    sys.exit(main())
