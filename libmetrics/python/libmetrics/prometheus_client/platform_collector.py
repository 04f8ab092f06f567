"""prometheus_client's PlatformCollector, which collects nothing here: see _per_process."""
from ._per_process import PerProcessCollector
from .registry import REGISTRY


class PlatformCollector(PerProcessCollector):
    def __init__(self, registry=REGISTRY, platform=None):
        super().__init__(registry=registry)


PLATFORM_COLLECTOR = PlatformCollector()
