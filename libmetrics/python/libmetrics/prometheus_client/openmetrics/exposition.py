"""Writes OpenMetrics text as prometheus_client 0.16 does."""
from ..text import escaped_help, labels_text
from ..utils import floatToGoString

CONTENT_TYPE_LATEST = 'application/openmetrics-text; version=0.0.1; charset=utf-8'


def _exemplar(metric, sample):
    exemplar = sample.exemplar
    if not exemplar:
        return ''
    if not ((metric.type == 'counter' and sample.name.endswith('_total'))
            or (metric.type in ('histogram', 'gaugehistogram') and sample.name.endswith('_bucket'))):
        raise ValueError(f'Metric {metric.name} has exemplars, but is not a histogram bucket or counter')
    timestamp = '' if exemplar.timestamp is None else f' {exemplar.timestamp}'
    return f' # {labels_text(exemplar.labels) or "{}"} {floatToGoString(exemplar.value)}{timestamp}'


def _family(metric):
    documentation = escaped_help(metric.documentation).replace('"', r'\"')
    yield f'# HELP {metric.name} {documentation}\n# TYPE {metric.name} {metric.type}\n'
    if metric.unit:
        yield f'# UNIT {metric.name} {metric.unit}\n'
    for sample in metric.samples:
        timestamp = '' if sample.timestamp is None else f' {sample.timestamp}'
        yield (f'{sample.name}{labels_text(sample.labels)} {floatToGoString(sample.value)}{timestamp}'
               f'{_exemplar(metric, sample)}\n')


def generate_latest(registry):
    """Returns the registry's metrics as bytes."""
    lines = [line for metric in registry.collect() for line in _family(metric)]
    return ''.join([*lines, '# EOF\n']).encode()
