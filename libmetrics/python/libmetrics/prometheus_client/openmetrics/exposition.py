"""Writes OpenMetrics text as prometheus_client 0.25 does."""
from ..utils import floatToGoString, parse_version
from ..view import seen_by
from .escaping import (
    ALLOWUTF8 as ALLOWUTF8,
    DOTS as DOTS,
    UNDERSCORES as UNDERSCORES,
    VALUES as VALUES,
    _escape as _escape,
    _is_legacy_labelname_rune as _is_legacy_labelname_rune,
    _is_legacy_metric_rune as _is_legacy_metric_rune,
    escape_label_name as escape_label_name,
    escape_metric_name as escape_metric_name,
    escaped_text,
    sample_name_and_labels,
)

CONTENT_TYPE_LATEST = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
CONTENT_TYPE_LATEST_2_0 = 'application/openmetrics-text; version=2.0.0; charset=utf-8'
ESCAPING_HEADER_TAG = 'escaping'


def _is_valid_exemplar_metric(metric, sample):
    if metric.type == 'counter':
        return sample.name.endswith('_total')
    if metric.type == 'gaugehistogram':
        return sample.name.endswith('_bucket')
    return metric.type == 'histogram' and (sample.name.endswith('_bucket') or sample.name == metric.name)


def _compose_exemplar_string(metric, sample, exemplar):
    if not _is_valid_exemplar_metric(metric, sample):
        raise ValueError(f'Metric {metric.name} has exemplars, but is not a histogram bucket or counter')
    timestamp = '' if exemplar.timestamp is None else f' {exemplar.timestamp}'
    labels = ','.join(f'{name}="{escaped_text(value)}"' for name, value in sorted(exemplar.labels.items()))
    return f' # {{{labels}}} {floatToGoString(exemplar.value)}{timestamp}'


def _native_histogram(native):
    fields = [('count', native.count_value), ('sum', native.sum_value), ('schema', native.schema),
              ('zero_threshold', native.zero_threshold), ('zero_count', native.zero_count)]
    for sign, spans, deltas in (('negative', native.neg_spans, native.neg_deltas),
                                ('positive', native.pos_spans, native.pos_deltas)):
        if spans:
            fields.append((sign + '_spans', '[' + ','.join(f'{span[0]}:{span[1]}' for span in spans) + ']'))
            fields.append((sign + '_deltas', '[' + ','.join(map(str, deltas or ())) + ']'))
    return '{' + ','.join(f'{name}:{value}' for name, value in fields) + '}'


def _line(metric, sample, escaping):
    timestamp = '' if sample.timestamp is None else f' {sample.timestamp}'
    exemplars = [sample.exemplar] if sample.exemplar else []
    if sample.native_histogram:
        value = _native_histogram(sample.native_histogram)
        exemplars.extend(sample.native_histogram.nh_exemplars or ())
    else:
        value = '' if sample.value is None else floatToGoString(sample.value)
    texts = ''.join(_compose_exemplar_string(metric, sample, exemplar) for exemplar in exemplars)
    return f'{sample_name_and_labels(sample.name, sample.labels, escaping)} {value}{timestamp}{texts}\n'


def _family(metric, escaping, version):
    name = escape_metric_name(metric.name, escaping)
    yield f'# HELP {name} {escaped_text(metric.documentation)}\n# TYPE {name} {metric.type}\n'
    if metric.unit:
        yield f'# UNIT {name} {metric.unit}\n'
    for sample in metric.samples:
        if not sample.native_histogram or parse_version(version) >= (2, 0, 0):
            yield _line(metric, sample, escaping)


def generate_latest(registry, escaping=UNDERSCORES, version='1.0.0'):
    """Returns the registry's metrics as bytes. Native histograms are there from version 2.0.0 on.
    An exception has the family that it comes from as its last argument."""
    lines = []
    for metric in seen_by(registry).collect():
        try:
            lines.extend(_family(metric, escaping, version))
        except Exception as why:
            why.args = (*(why.args or ('',)), metric)
            raise
    return ''.join([*lines, '# EOF\n']).encode()
