"""prometheus_client's API, counted in the segment that all processes share.

    from libmetrics.prometheus_client import Counter

Has what prometheus_client 0.25 has. Modules that only prometheus_client has, such as its parsers,
come from there if it is installed, in any version from 0.16 on: its directory stands last in
__path__.
"""
from libmetrics import _upstream

from .exposition import (
    CONTENT_TYPE_LATEST,
    CONTENT_TYPE_PLAIN_0_0_4,
    CONTENT_TYPE_PLAIN_1_0_0,
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
from .metrics import (
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
    disable_created_metrics,
    enable_created_metrics,
)
from .metrics_core import Metric
from .platform_collector import PLATFORM_COLLECTOR, PlatformCollector
from .process_collector import PROCESS_COLLECTOR, ProcessCollector
from .registry import REGISTRY, CollectorRegistry

__all__ = (
    'CONTENT_TYPE_LATEST', 'CONTENT_TYPE_PLAIN_0_0_4', 'CONTENT_TYPE_PLAIN_1_0_0', 'GC_COLLECTOR',
    'PLATFORM_COLLECTOR', 'PROCESS_COLLECTOR', 'REGISTRY', 'CollectorRegistry', 'Counter', 'Enum', 'GCCollector',
    'Gauge', 'Histogram', 'Info', 'Metric', 'MetricsHandler', 'PlatformCollector', 'ProcessCollector', 'Summary',
    'delete_from_gateway', 'disable_created_metrics', 'enable_created_metrics', 'generate_latest',
    'instance_ip_grouping_key', 'make_asgi_app', 'make_wsgi_app', 'push_to_gateway', 'pushadd_to_gateway',
    'start_http_server', 'start_wsgi_server', 'write_to_textfile',
)

_upstream.extend(__path__, 'prometheus_client')
_upstream.report_newer(__path__, __all__)
