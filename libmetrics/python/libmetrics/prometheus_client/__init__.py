"""prometheus_client's API, counted in the segment that all processes share.

    from libmetrics.prometheus_client import Counter

What prometheus_client 0.16 has and this package has not, such as its parsers, comes from prometheus_client where that
is installed: its directory stands last in __path__.
"""
from libmetrics._upstream import extend

extend(__path__, 'prometheus_client')

from . import (  # noqa: E402
    exposition, gc_collector, metrics, metrics_core, platform_collector, process_collector, registry,
)
from .exposition import (  # noqa: E402
    CONTENT_TYPE_LATEST, MetricsHandler, delete_from_gateway, generate_latest, instance_ip_grouping_key, make_asgi_app,
    make_wsgi_app, push_to_gateway, pushadd_to_gateway, start_http_server, start_wsgi_server, write_to_textfile,
)
from .gc_collector import GC_COLLECTOR, GCCollector  # noqa: E402
from .metrics import Counter, Enum, Gauge, Histogram, Info, Summary  # noqa: E402
from .metrics_core import Metric  # noqa: E402
from .platform_collector import PLATFORM_COLLECTOR, PlatformCollector  # noqa: E402
from .process_collector import PROCESS_COLLECTOR, ProcessCollector  # noqa: E402
from .registry import REGISTRY, CollectorRegistry  # noqa: E402

__all__ = (
    'CollectorRegistry', 'REGISTRY', 'Metric', 'Counter', 'Gauge', 'Summary', 'Histogram', 'Info', 'Enum',
    'CONTENT_TYPE_LATEST', 'generate_latest', 'MetricsHandler', 'make_wsgi_app', 'make_asgi_app', 'start_http_server',
    'start_wsgi_server', 'write_to_textfile', 'push_to_gateway', 'pushadd_to_gateway', 'delete_from_gateway',
    'instance_ip_grouping_key', 'ProcessCollector', 'PROCESS_COLLECTOR', 'PlatformCollector', 'PLATFORM_COLLECTOR',
    'GCCollector', 'GC_COLLECTOR',
)


def disable_created_metrics():
    """Does nothing: there are no `_created` samples."""


def enable_created_metrics():
    """Does nothing: a series is as old as the segment's oldest count of it, which nobody has noted."""
