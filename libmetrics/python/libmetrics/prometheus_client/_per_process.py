"""The base of the collectors of prometheus_client's default registry: python_info, process_* and
python_gc_*.

They describe the one process that is asked. The default registry shows all processes: their sums
would be meaningless for most of these (a start time), and a pid label would grow without bound. So
the default registry has them only as long as no other process counts in the segment; once this
process has seen another one, it never has them again, so that they don't come and go. A monitor of
the host's processes (process-exporter, cAdvisor, systemd) is for many processes.
metrics-aggregator exposes its own process_*.
"""
import os

from libmetrics import _metrics

from .registry import Collector

_of_many: set[int] = set()  # the pid of this process, once it has seen another one


def is_one_process():
    """Returns whether the program has been one process up to now, as far as this one has seen."""
    pid = os.getpid()
    if pid not in _of_many and not _metrics.is_only_process():
        _of_many.clear()
        _of_many.add(pid)
    return pid not in _of_many


class PerProcessCollector(Collector):
    def _collect_from(self, snapshot):
        """Does as collect(), for a registry; returns nothing for one that shows many processes."""
        return self.collect() if snapshot is None or is_one_process() else []
