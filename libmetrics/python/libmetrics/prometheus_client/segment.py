"""Reads the shared segment as families and samples: the values of all processes, merged."""
from libmetrics import _metrics, log

from .metrics_core import Metric
from .utils import INF, floatToGoString


def snapshot():
    """Returns the segment as it is now, a dict by family name: see _metrics.snapshot(). It is empty
    if the segment can't be read, which is logged once."""
    try:
        return _metrics.snapshot()
    except OSError as why:
        log.once('snapshot', f"no values: {why}")
        return {}


def add_samples(metric, family):
    """Adds a sample, or those of a histogram or summary, for each series of a snapshot's family to
    the Metric."""
    native_type, _, _, bounds, series = family
    add = _ADD[native_type]
    for labels, values in series:
        add(metric, labels, values, bounds)


def families(taken):
    """Yields all families of a snapshot as Metrics."""
    for name, family in taken.items():
        metric = Metric(name, family[1], family[0], family[2])
        add_samples(metric, family)
        yield metric


def _add_counter(metric, labels, value, _):
    metric.add_sample(metric.name + '_total', labels, value)


def _add_gauge(metric, labels, value, _):
    metric.add_sample(metric.name, labels, value)


def _add_info(metric, labels, _, __):
    metric.add_sample(metric.name + '_info', labels, 1.0)


def _add_summary(metric, labels, values, _):
    metric.add_sample(metric.name + '_count', labels, float(values[0]))
    metric.add_sample(metric.name + '_sum', labels, values[1])


def _add_histogram(metric, labels, values, bounds):
    total = 0
    for bound, count in zip((*bounds, INF), values):
        total += count
        metric.add_sample(metric.name + '_bucket', {**labels, 'le': floatToGoString(bound)}, float(total))
    metric.add_sample(metric.name + '_count', labels, float(total))
    # As in prometheus_client: with negative observations the sum can go down, so it is not a
    # counter.
    if not bounds or bounds[0] >= 0:
        metric.add_sample(metric.name + '_sum', labels, values[-1])


_ADD = {
    'counter': _add_counter,
    'gauge': _add_gauge,
    'info': _add_info,
    'summary': _add_summary,
    'histogram': _add_histogram,
}
