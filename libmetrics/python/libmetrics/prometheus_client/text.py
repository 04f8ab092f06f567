"""Writes Prometheus's text format, version 0.0.4."""
from libmetrics import _metrics

from .registry import REGISTRY
from .utils import floatToGoString

CONTENT_TYPE_LATEST = 'text/plain; version=0.0.4; charset=utf-8'

# Samples that OpenMetrics has in the family, and this format in families of gauges.
_FAMILIES_OF_THEIR_OWN = ('_created', '_gcount', '_gsum')

_TYPES = {'info': 'gauge', 'stateset': 'gauge', 'gaugehistogram': 'histogram', 'unknown': 'untyped'}
_ENDINGS = {name: ending for name, (ending, _, _) in _metrics.TYPES.items()}


def escaped_help(text):
    return text.replace('\\', r'\\').replace('\n', r'\n')


def labels_text(labels):
    """Returns the labels in braces, sorted; an empty string if there are no labels."""
    if not labels:
        return ''
    pairs = ','.join('{}="{}"'.format(name, escaped_help(value).replace('"', r'\"'))
                     for name, value in sorted(labels.items()))
    return '{' + pairs + '}'


def _line(sample):
    timestamp = '' if sample.timestamp is None else f' {int(float(sample.timestamp) * 1000):d}'
    return f'{sample.name}{labels_text(sample.labels)} {floatToGoString(sample.value)}{timestamp}\n'


def _head(name, documentation, typ):
    return f'# HELP {name} {escaped_help(documentation)}\n# TYPE {name} {typ}\n'


def _family(metric):
    lines = [_head(metric.name + _ENDINGS.get(metric.type, ''), metric.documentation,
                   _TYPES.get(metric.type, metric.type))]
    apart = {}
    for sample in metric.samples:
        ending = sample.name[len(metric.name):]
        if ending in _FAMILIES_OF_THEIR_OWN and sample.name.startswith(metric.name):
            apart.setdefault(ending, []).append(_line(sample))
        else:
            lines.append(_line(sample))
    for ending in sorted(apart):
        lines.append(_head(metric.name + ending, metric.documentation, 'gauge'))
        lines.extend(apart[ending])
    return ''.join(lines)


def generate_latest(registry=REGISTRY):
    """Returns the registry's metrics as bytes; those in the segment have the values of all
    processes."""
    return ''.join(_family(metric) for metric in registry.collect()).encode()
