"""Re-exports the names that prometheus_client had here before it had other modules."""
from .metrics import Counter, Enum, Gauge, Histogram, Info, Summary
from .metrics_core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
    SummaryMetricFamily,
    UnknownMetricFamily,
    UntypedMetricFamily,
)
from .registry import REGISTRY, CollectorRegistry
from .samples import BucketSpan, Exemplar, NativeHistogram, Sample, Timestamp

__all__ = (
    'REGISTRY', 'BucketSpan', 'CollectorRegistry', 'Counter', 'CounterMetricFamily', 'Enum', 'Exemplar', 'Gauge',
    'GaugeHistogramMetricFamily', 'GaugeMetricFamily', 'Histogram', 'HistogramMetricFamily', 'Info',
    'InfoMetricFamily', 'Metric', 'NativeHistogram', 'Sample', 'StateSetMetricFamily', 'Summary',
    'SummaryMetricFamily', 'Timestamp', 'UnknownMetricFamily', 'UntypedMetricFamily',
)
