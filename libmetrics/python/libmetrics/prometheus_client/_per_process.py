"""The collectors that prometheus_client's default registry begins with: here they collect nothing.

python_info, process_* and python_gc_* say something about the one process that is asked. Of many
processes they would have to be summed, which is meaningless for most of them (a start time), or
have a pid label and so grow without bound. Whoever watches the processes of a host
(process-exporter, cAdvisor, systemd) does that better. metrics-aggregator exposes its own
process_*.

They are registered, so that a program may unregister them.
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
