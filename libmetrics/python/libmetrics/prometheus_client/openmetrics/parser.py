"""The parser of OpenMetrics, which is the installed prometheus_client's."""
from libmetrics import _upstream

_upstream.run(globals(), 'openmetrics', 'parser')
