"""Reads the shared segment as families and samples: the values of all processes, merged."""
from libmetrics import _metrics, log

from .metrics_core import Metric
from .samples import Exemplar
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
    for labels, values, exemplars in series:
        lower = -INF
        for ending, bound, number in _samples(native_type, bounds, values):
            le = {} if bound is None else {'le': floatToGoString(bound)}
            exemplar = None
            if ending == '_total':
                exemplar = _newest(exemplars)
            elif bound is not None:
                exemplar = _newest(one for one in exemplars if lower < one[1] <= bound or one[1] == bound)
                lower = bound
            metric.add_sample(metric.name + ending, {**labels, **le}, number, exemplar=exemplar)


def _newest(exemplars):
    """Returns the newest of a series' exemplars in a snapshot; None if there is none."""
    newest = max(exemplars, key=lambda one: one[2], default=None)
    return newest and Exemplar(*newest)


def families(taken):
    """Yields all families of a snapshot as Metrics."""
    for name, family in taken.items():
        metric = Metric(name, family[1], family[0], family[2])
        add_samples(metric, family)
        yield metric


def _samples(native_type, bounds, values):
    """Yields (ending of the sample's name, bucket's bound or None, number) for each sample of a
    series."""
    endings = _metrics.TYPES[native_type][1]
    if not isinstance(values, tuple):
        yield endings[0], None, values
    elif not values:
        yield endings[0], None, 1.0
    else:
        *counts, total = values
        below = 0
        for bound, count in zip((*bounds, INF), counts):
            below += count
            if '_bucket' in endings:
                yield '_bucket', bound, float(below)
        yield '_count', None, float(below)
        # As in prometheus_client: with negative observations the sum can go down, so it is not a
        # counter.
        if not bounds or bounds[0] >= 0:
            yield '_sum', None, total
