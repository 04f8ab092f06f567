"""Families with their samples, as collectors return them."""
# prometheus_client has them here too, some since 0.16, some until then.
from .samples import (
    Exemplar as Exemplar,
    NativeHistogram as NativeHistogram,
    Sample as Sample,
    Timestamp as Timestamp,
)
from .validation import (
    METRIC_LABEL_NAME_RE as METRIC_LABEL_NAME_RE,
    METRIC_NAME_RE as METRIC_NAME_RE,
    RESERVED_METRIC_LABEL_NAME_RE as RESERVED_METRIC_LABEL_NAME_RE,
    _validate_metric_name,
)

METRIC_TYPES = ('counter', 'gauge', 'summary', 'histogram', 'gaugehistogram', 'unknown', 'info', 'stateset')


class Metric:
    """A family: name, help, type, unit, and a list `samples`.

    ValueError: invalid name or type.
    """

    def __init__(self, name, documentation, typ, unit=''):
        if unit and not name.endswith('_' + unit):
            name += '_' + unit
        _validate_metric_name(name)
        if typ == 'untyped':
            typ = 'unknown'
        if typ not in METRIC_TYPES:
            raise ValueError('Invalid metric type: ' + typ)
        self.name = name
        self.documentation = documentation
        self.unit = unit
        self.type = typ
        self.samples = []

    def add_sample(self, name, labels, value, timestamp=None, exemplar=None, native_histogram=None):
        """Adds a sample."""
        self.samples.append(Sample(name, labels, value, timestamp, exemplar, native_histogram))

    def _compared(self):
        return self.name, self.documentation, self.type, self.unit, self.samples

    # Families are equal if they show the same, whatever class has made them.
    def __eq__(self, other):
        return isinstance(other, Metric) and self._compared() == other._compared()

    __hash__ = None

    def __repr__(self):
        return f'Metric({self.name}, {self.documentation}, {self.type}, {self.unit}, {self.samples})'

    def _restricted_metric(self, names):
        """Returns a copy with the samples of these names only; None if there are no such
        samples."""
        samples = [sample for sample in self.samples if sample.name in names]
        if not samples:
            return None
        copy = Metric(self.name, self.documentation, self.type)
        copy.samples = samples
        return copy


class _Family(Metric):
    """A family that takes label values, for a custom collector to fill."""

    _typ = 'unknown'

    def __init__(self, name, documentation, labels, unit):
        super().__init__(name, documentation, self._typ, unit)
        self._labelnames = tuple(labels or ())

    def _labels(self, values):
        return dict(zip(self._labelnames, values))

    def _add(self, ending, labels, value, timestamp=None, **more):
        self.add_sample(self.name + ending, {**self._labels(labels), **more}, value, timestamp)


def _one_of(first, second, message):
    if first is not None and second is not None:
        raise ValueError(message)


class UnknownMetricFamily(_Family):
    """Samples without a type."""

    def __init__(self, name, documentation, value=None, labels=None, unit=''):
        _one_of(labels, value, 'Can only specify at most one of value and labels.')
        super().__init__(name, documentation, labels, unit)
        if value is not None:
            self.add_metric([], value)

    def add_metric(self, labels, value, timestamp=None):
        """Adds the sample with these label values."""
        self._add('', labels, value, timestamp)


UntypedMetricFamily = UnknownMetricFamily


class CounterMetricFamily(_Family):
    """Counters."""

    _typ = 'counter'

    def __init__(self, name, documentation, value=None, labels=None, created=None, unit='', exemplar=None):
        _one_of(labels, value, 'Can only specify at most one of value and labels.')
        super().__init__(name[:-len('_total')] if name.endswith('_total') else name, documentation, labels, unit)
        if value is not None:
            self.add_metric([], value, created, exemplar=exemplar)

    def add_metric(self, labels, value, created=None, timestamp=None, exemplar=None):
        """Adds the counter with these label values."""
        self.add_sample(self.name + '_total', self._labels(labels), value, timestamp, exemplar)
        if created is not None:
            self._add('_created', labels, created, timestamp)


class GaugeMetricFamily(UnknownMetricFamily):
    """Gauges."""

    _typ = 'gauge'


class SummaryMetricFamily(_Family):
    """Summaries."""

    _typ = 'summary'

    def __init__(self, name, documentation, count_value=None, sum_value=None, labels=None, unit=''):
        if (sum_value is None) != (count_value is None):
            raise ValueError('count_value and sum_value must be provided together.')
        _one_of(labels, count_value, 'Can only specify at most one of value and labels.')
        super().__init__(name, documentation, labels, unit)
        if count_value is not None:
            self.add_metric([], count_value, sum_value)

    def add_metric(self, labels, count_value, sum_value, timestamp=None):
        """Adds the summary with these label values."""
        self._add('_count', labels, count_value, timestamp)
        self._add('_sum', labels, sum_value, timestamp)


class HistogramMetricFamily(_Family):
    """Histograms. `buckets` are pairs of a bound as text and a cumulative count, or triples with an
    exemplar, in ascending order, "+Inf" last."""

    _typ = 'histogram'

    def __init__(self, name, documentation, buckets=None, sum_value=None, labels=None, unit=''):
        if sum_value is not None and buckets is None:
            raise ValueError('sum value cannot be provided without buckets.')
        _one_of(labels, buckets, 'Can only specify at most one of buckets and labels.')
        super().__init__(name, documentation, labels, unit)
        if buckets is not None:
            self.add_metric([], buckets, sum_value)

    def add_metric(self, labels, buckets, sum_value, timestamp=None):
        """Adds the histogram with these label values."""
        for bound, count, *exemplar in buckets:
            self.add_sample(self.name + '_bucket', {**self._labels(labels), 'le': bound}, count, timestamp,
                            exemplar[0] if exemplar else None)
        # With negative observations neither count nor sum is a counter.
        if float(buckets[0][0]) >= 0 and sum_value is not None:
            self._add('_count', labels, buckets[-1][1], timestamp)
            self._add('_sum', labels, sum_value, timestamp)


class GaugeHistogramMetricFamily(_Family):
    """Histograms of current values."""

    _typ = 'gaugehistogram'

    def __init__(self, name, documentation, buckets=None, gsum_value=None, labels=None, unit=''):
        _one_of(labels, buckets, 'Can only specify at most one of buckets and labels.')
        super().__init__(name, documentation, labels, unit)
        if buckets is not None:
            self.add_metric([], buckets, gsum_value)

    def add_metric(self, labels, buckets, gsum_value, timestamp=None):
        """Adds the histogram with these label values."""
        for bound, count in buckets:
            self._add('_bucket', labels, count, timestamp, le=bound)
        self._add('_gcount', labels, buckets[-1][1], timestamp)
        self._add('_gsum', labels, gsum_value, timestamp)


class InfoMetricFamily(_Family):
    """Constant information as labels, value 1."""

    _typ = 'info'

    def __init__(self, name, documentation, value=None, labels=None):
        _one_of(labels, value, 'Can only specify at most one of value and labels.')
        super().__init__(name, documentation, labels, '')
        if value is not None:
            self.add_metric([], value)

    def add_metric(self, labels, value, timestamp=None):
        """Adds the information, a dict, with these label values."""
        self._add('_info', labels, 1, timestamp, **value)


class StateSetMetricFamily(_Family):
    """Which of several states are true."""

    _typ = 'stateset'

    def __init__(self, name, documentation, value=None, labels=None):
        _one_of(labels, value, 'Can only specify at most one of value and labels.')
        super().__init__(name, documentation, labels, '')
        if value is not None:
            self.add_metric([], value)

    def add_metric(self, labels, value, timestamp=None):
        """Adds the states, a dict by name, with these label values."""
        for state, enabled in sorted(value.items()):
            self._add('', labels, 1 if enabled else 0, timestamp, **{self.name: state})
