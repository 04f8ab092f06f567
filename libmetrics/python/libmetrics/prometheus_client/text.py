"""Writes Prometheus's text format, versions 0.0.4 and 1.0.0."""
from libmetrics import _metrics

from .openmetrics.escaping import UNDERSCORES, escape_metric_name, sample_name_and_labels
from .registry import REGISTRY
from .utils import floatToGoString
from .view import seen_by

CONTENT_TYPE_PLAIN_0_0_4 = 'text/plain; version=0.0.4; charset=utf-8'
CONTENT_TYPE_PLAIN_1_0_0 = 'text/plain; version=1.0.0; charset=utf-8'
CONTENT_TYPE_LATEST = CONTENT_TYPE_PLAIN_1_0_0

# Samples that OpenMetrics has in the family, and this format in families of gauges.
_FAMILIES_OF_THEIR_OWN = ('_created', '_gcount', '_gsum')

_TYPES = {'info': 'gauge', 'stateset': 'gauge', 'gaugehistogram': 'histogram', 'unknown': 'untyped'}
_ENDINGS = {name: ending for name, (ending, _, _) in _metrics.TYPES.items()}


def _line(sample, escaping):
    timestamp = '' if sample.timestamp is None else f' {int(float(sample.timestamp) * 1000):d}'
    name = sample_name_and_labels(sample.name, sample.labels, escaping)
    return f'{name} {floatToGoString(sample.value)}{timestamp}\n'


def _head(name, documentation, typ, escaping):
    name = escape_metric_name(name, escaping)
    documentation = documentation.replace('\\', r'\\').replace('\n', r'\n')
    return f'# HELP {name} {documentation}\n# TYPE {name} {typ}\n'


def _family(metric, escaping):
    lines = [_head(metric.name + _ENDINGS.get(metric.type, ''), metric.documentation,
                   _TYPES.get(metric.type, metric.type), escaping)]
    apart = {}
    for sample in metric.samples:
        ending = sample.name[len(metric.name):]
        if ending in _FAMILIES_OF_THEIR_OWN and sample.name.startswith(metric.name):
            apart.setdefault(ending, []).append(_line(sample, escaping))
        else:
            lines.append(_line(sample, escaping))
    for ending in sorted(apart):
        lines.append(_head(metric.name + ending, metric.documentation, 'gauge', escaping))
        lines.extend(apart[ending])
    return ''.join(lines)


def generate_latest(registry=REGISTRY, escaping=UNDERSCORES):
    """Returns the registry's metrics as bytes; see registry.py for whose values it has.

    escaping: how names are written that have other than the old characters. An exception has the
    family that it comes from as its last argument.
    """
    families = []
    for metric in seen_by(registry).collect():
        try:
            families.append(_family(metric, escaping))
        except Exception as why:
            why.args = (*(why.args or ('',)), metric)
            raise
    return ''.join(families).encode()
