"""prometheus_client's GCCollector, which collects nothing here: see _per_process."""
from ._per_process import PerProcessCollector
from .registry import REGISTRY


class GCCollector(PerProcessCollector):
    def __init__(self, registry=REGISTRY):
        super().__init__(registry=registry)


GC_COLLECTOR = GCCollector()
