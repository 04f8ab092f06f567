"""prometheus_client's API, counted in the segment that all processes share.

    from libmetrics.prometheus_client import Counter

Modules that only prometheus_client 0.16 has, such as its parsers, come from prometheus_client if it
is installed: its directory stands last in __path__.
"""
from libmetrics._upstream import extend

from .exposition import (
    CONTENT_TYPE_LATEST,
    MetricsHandler,
    delete_from_gateway,
    generate_latest,
    instance_ip_grouping_key,
    make_asgi_app,
    make_wsgi_app,
    push_to_gateway,
    pushadd_to_gateway,
    start_http_server,
    start_wsgi_server,
    write_to_textfile,
)
from .gc_collector import GC_COLLECTOR, GCCollector
from .metrics import Counter, Enum, Gauge, Histogram, Info, Summary
from .metrics_core import Metric
from .platform_collector import PLATFORM_COLLECTOR, PlatformCollector
from .process_collector import PROCESS_COLLECTOR, ProcessCollector
from .registry import REGISTRY, CollectorRegistry

__all__ = (
    'CONTENT_TYPE_LATEST', 'GC_COLLECTOR', 'PLATFORM_COLLECTOR', 'PROCESS_COLLECTOR', 'REGISTRY',
    'CollectorRegistry', 'Counter', 'Enum', 'GCCollector', 'Gauge', 'Histogram', 'Info', 'Metric',
    'MetricsHandler', 'PlatformCollector', 'ProcessCollector', 'Summary', 'delete_from_gateway', 'generate_latest',
    'instance_ip_grouping_key', 'make_asgi_app', 'make_wsgi_app', 'push_to_gateway', 'pushadd_to_gateway',
    'start_http_server', 'start_wsgi_server', 'write_to_textfile',
)

extend(__path__, 'prometheus_client')


def disable_created_metrics():
    """Does nothing: there are no `_created` samples."""


def enable_created_metrics():
    """Does nothing: a series is as old as the segment's oldest count of it, and its time is not
    recorded."""
