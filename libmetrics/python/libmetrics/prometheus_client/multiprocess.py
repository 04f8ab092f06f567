"""Replaces prometheus_client's multiprocess mode, which is not needed here.

Each metric is in the shared segment, and the kernel knows which processes live. The environment
variable PROMETHEUS_MULTIPROC_DIR has no effect.
"""
from libmetrics import log

from . import segment
from .metrics import Gauge as Gauge  # prometheus_client has it here too
from .registry import Collector


class MultiProcessCollector(Collector):
    """Collects all families of the segment, all processes merged; ignores `path`. So a program that
    exposes such a collector's registry itself still does. Metrics in that registry are part of
    them, and not collected a second time."""

    _libmetrics = True
    _is_everything = True

    def __init__(self, registry, path=None):
        log.once('MultiProcessCollector',
                 'MultiProcessCollector reads the shared segment; no directory of files is written or read')
        if registry:
            registry.register(self)

    # Without describe(), a registry with auto_describe would take all the names that the segment
    # has now.
    def describe(self):
        return []

    def collect(self):
        return self._collect_from(segment.snapshot())

    def _collect_from(self, snapshot):
        return segment.families(snapshot)


def mark_process_dead(pid, path=None):
    """Does nothing, and logs that once: gauges of live modes disappear with their process."""
    log.once('mark_process_dead', "mark_process_dead() isn't needed: the kernel knows which processes live")
