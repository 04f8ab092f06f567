"""prometheus_client's ProcessCollector, which collects nothing here: see _per_process."""
from ._per_process import PerProcessCollector
from .registry import REGISTRY


class ProcessCollector(PerProcessCollector):
    def __init__(self, namespace='', pid=None, proc='/proc', registry=REGISTRY):
        super().__init__(registry=registry)


PROCESS_COLLECTOR = ProcessCollector()
