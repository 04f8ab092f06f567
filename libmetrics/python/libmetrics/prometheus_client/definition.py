"""Checks and spells what a program defines: names, limits, and texts as the segment takes them."""
from libmetrics import _metrics


def _build_full_name(metric_type, name, namespace, subsystem, unit):
    if not name:
        raise ValueError('Metric name should not be empty')
    full_name = ''.join(part + '_' for part in (namespace, subsystem) if part) + name
    if metric_type == 'counter' and full_name.endswith('_total'):
        full_name = full_name[:-len('_total')]
    if unit and not full_name.endswith('_' + unit):
        full_name += '_' + unit
    if unit and metric_type in ('info', 'stateset'):
        raise ValueError('Metric name is of a type that cannot have a unit: ' + full_name)
    return full_name


_MOST_SERIES = 2**32 - 1


def _checked_limit(max_series):
    """Returns the limit as the library takes it: 0 for none."""
    if max_series is None:
        return 0
    if not isinstance(max_series, int) or not 1 <= max_series <= _MOST_SERIES:
        raise ValueError(f'max_series must be a whole number from 1 to {_MOST_SERIES}, or None, not {max_series!r}')
    return max_series


def _native(text):
    """Returns the text as the library takes it: without zeros, and encodable."""
    text = str(text).replace('\0', '\ufffd')
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates, such as undecodable bytes of a file name
        text = text.encode('utf-8', 'replace').decode()
    return text


def _shown(value):
    """Returns a label's value as it stands in the segment: the library cuts long ones."""
    return _metrics.label_value(_native(value))
