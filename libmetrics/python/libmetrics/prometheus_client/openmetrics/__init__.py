"""The OpenMetrics format."""
from libmetrics._upstream import extend

extend(__path__, 'prometheus_client', 'openmetrics')
