"""Collects what the garbage collector has done."""
import gc

from ._per_process import PerProcessCollector
from .metrics_core import CounterMetricFamily
from .registry import REGISTRY

_COUNTERS = (
    ('collected', 'python_gc_objects_collected', 'Objects collected during gc'),
    ('uncollectable', 'python_gc_objects_uncollectable', 'Uncollectable objects found during GC'),
    ('collections', 'python_gc_collections', 'Number of times this generation was collected'),
)


class GCCollector(PerProcessCollector):
    """Collects the counts of the garbage collector, by generation."""

    _libmetrics = True

    def __init__(self, registry=REGISTRY):
        if registry and hasattr(gc, 'get_stats'):
            registry.register(self)

    def collect(self):
        found = []
        for key, name, text in _COUNTERS:
            family = CounterMetricFamily(name, text, labels=['generation'])
            for generation, stats in enumerate(gc.get_stats()):
                family.add_metric([str(generation)], stats[key])
            found.append(family)
        return found


GC_COLLECTOR = GCCollector()
