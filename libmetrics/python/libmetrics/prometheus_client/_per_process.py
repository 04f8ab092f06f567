"""The base of the collectors of prometheus_client's default registry, which collect nothing here.

python_info, process_* and python_gc_* describe the one process that is scraped. For many processes
they would need to be summed, which is meaningless for most of them (a start time), or to have a pid
label and so grow without bound. A monitor of the host's processes (process-exporter, cAdvisor,
systemd) does that better. metrics-aggregator exposes its own process_*.

They are registered so that a program can unregister them.
"""
from .registry import REGISTRY, Collector


class PerProcessCollector(Collector):
    _libmetrics = True

    def __init__(self, *args, registry=REGISTRY, **kwargs):
        if registry:
            registry.register(self)

    def describe(self):
        return []

    def collect(self):
        return []
