"""Collects what the kernel knows of a process."""
from contextlib import suppress
import os
import resource

from ._per_process import PerProcessCollector
from .metrics_core import CounterMetricFamily, GaugeMetricFamily
from .registry import REGISTRY

_PAGESIZE = resource.getpagesize()


def _this_process():
    return 'self'


class ProcessCollector(PerProcessCollector):
    """Collects memory, CPU time, start time and descriptors of one process.

    namespace: stands before the names, with an underscore. pid: a function that returns the
    process, "self" for the one that is asked. proc: where procfs is mounted. What can't be read is
    left out; without procfs, there is nothing.
    """

    _libmetrics = True

    def __init__(self, namespace='', pid=_this_process, proc='/proc', registry=REGISTRY):
        self._namespace = namespace
        self._pid = pid
        self._proc = proc
        self._prefix = f'{namespace}_process_' if namespace else 'process_'
        self._ticks = float(os.sysconf('SC_CLK_TCK'))
        self._pagesize = _PAGESIZE
        self._btime = 0
        with suppress(OSError):
            self._btime = self._boot_time()
        if registry:
            registry.register(self)

    def _collect_from(self, snapshot):
        # Another process than this one is the same one, whichever is asked.
        return super()._collect_from(None if self._pid is not _this_process else snapshot)

    def _boot_time(self):
        with open(os.path.join(self._proc, 'stat'), 'rb') as stat:
            return next((float(line.split()[1]) for line in stat if line.startswith(b'btime ')), 0)

    def collect(self):
        if not self._btime:
            return []
        directory = os.path.join(self._proc, str(self._pid() if callable(self._pid) else self._pid).strip())
        found = []
        for read in (self._read_stat, self._read_descriptors):
            with suppress(OSError):
                found.extend(read(directory))
        return found

    def _gauge(self, name, text, value):
        return GaugeMetricFamily(self._prefix + name, text, value=value)

    def _read_stat(self, directory):
        with open(os.path.join(directory, 'stat'), 'rb') as stat:
            # The fields from the third on: the second is a command's name, which may have blanks.
            fields = stat.read().rpartition(b')')[2].split()
        user, system, start, virtual, resident = (float(fields[at]) for at in (11, 12, 19, 20, 21))
        return [
            self._gauge('virtual_memory_bytes', 'Virtual memory size in bytes.', virtual),
            self._gauge('resident_memory_bytes', 'Resident memory size in bytes.', resident * self._pagesize),
            self._gauge('start_time_seconds', 'Start time of the process since unix epoch in seconds.',
                        start / self._ticks + self._btime),
            CounterMetricFamily(self._prefix + 'cpu_seconds_total', 'Total user and system CPU time spent in seconds.',
                                value=user / self._ticks + system / self._ticks),
        ]

    def _read_descriptors(self, directory):
        with open(os.path.join(directory, 'limits'), 'rb') as limits:
            most = [line.split()[3] for line in limits if line.startswith(b'Max open file')]
        return [
            self._gauge('open_fds', 'Number of open file descriptors.', len(os.listdir(os.path.join(directory, 'fd')))),
            *(self._gauge('max_fds', 'Maximum number of open file descriptors.', float(number)) for number in most[:1]),
        ]


PROCESS_COLLECTOR = ProcessCollector()
