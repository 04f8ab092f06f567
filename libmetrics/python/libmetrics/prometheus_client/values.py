"""The numbers behind a metric, as programs reach for them: `counter._value.get()`.

prometheus_client keeps each number in an object of the class `ValueClass`. Here a metric's numbers
are its object's own, in the extension; what stands in their place reads and writes these. A
program's own kinds of metrics, derived from MetricWrapperBase, may make values of that class, which
this process alone can expose.
"""
from libmetrics import _metrics

from . import exemplars
from .locks import Lock
from .utils import INF


class MutexValue:
    """A number of this process alone, with an exemplar."""

    _multiprocess = False
    _lock = Lock()

    def __init__(self, typ, metric_name, name, labelnames, labelvalues, help_text, **kwargs):
        self._value = 0.0
        self._exemplar = None

    def inc(self, amount):
        with self._lock:
            self._value += amount

    def set(self, value, timestamp=None):
        self._value = value

    def get(self):
        return self._value

    def set_exemplar(self, exemplar):
        self._exemplar = exemplar

    def get_exemplar(self):
        return self._exemplar


def MultiProcessValue(process_identifier=None):
    """Returns the only class. The kernel distinguishes processes, so process_identifier is
    ignored."""
    return MutexValue


def get_value_class():
    return MutexValue


ValueClass = MutexValue


class OwnNumber:
    """A descriptor of a metric's attribute that holds one of its numbers. It gives way to what a
    subclass assigns to that attribute."""

    def __init__(self, kind):
        self._kind = kind

    def __get__(self, metric, cls=None):
        return self if metric is None else self._kind(metric)


class _Number:
    """One number of a metric: what its object has counted in this process. Writing to it changes
    the segment by as much."""

    _multiprocess = False
    _bound = None  # the upper bound of a bucket

    def __init__(self, metric):
        self._metric = metric

    @property
    def _value(self):
        return self.get()

    def get(self):
        """Returns the number."""
        return self._metric._mine

    def get_exemplar(self):
        """Returns the last exemplar of this process, or None."""
        return exemplars.of(self._metric, self._bound)

    def set_exemplar(self, exemplar):
        """Keeps an exemplar of this process."""
        exemplars.put(self._metric, self._bound, exemplar)


class CounterValue(_Number):
    """A counter's value. The segment's never goes down: set() to less than it is begins a count
    anew, as Prometheus sees it, which adds what is set."""

    def inc(self, amount):
        """Adds the amount. If it is negative, only this process's value changes."""
        if amount >= 0:
            _metrics.Counter.inc(self._metric, amount)
        else:
            self._metric._mine += amount

    def set(self, value, timestamp=None):
        """Sets the value."""
        before = self._metric._mine
        _metrics.Counter.inc(self._metric, max(value - before if value >= before else value, 0))
        self._metric._mine = value


class GaugeValue(_Number):
    """A gauge's value."""

    def inc(self, amount):
        """Adds the amount, which may be negative."""
        _metrics.Gauge.inc(self._metric, amount)

    def set(self, value, timestamp=None):
        """Sets the value."""
        _metrics.Gauge.set(self._metric, value)


class Sum(_Number):
    """The sum of a histogram or summary."""

    def inc(self, amount):
        """Adds the amount without an observation."""
        self._metric._add_to_sum(amount)

    def set(self, value, timestamp=None):
        """Sets the sum; the segment's goes up if this one does."""
        self.inc(max(value - self.get(), 0))
        self._metric._mine = value


class Count(_Number):
    """The count of one bucket, which is not cumulative; of a summary, its only one."""

    def __init__(self, metric, at=0, bound=None):
        super().__init__(metric)
        self._at = at
        self._bound = bound

    def get(self):
        return self._metric._mine_counts[self._at]

    def inc(self, amount):
        """Adds observations without their sum."""
        self._metric._add_to_bucket(self._at, amount)

    def set(self, value, timestamp=None):
        """Sets the count; the segment's goes up if this one does."""
        self.inc(value - self.get())


class _Nothing(_Number):
    """A bucket whose bound stands in another one before it, which has the counts of both."""

    def get(self):
        return 0.0

    def get_exemplar(self):
        pass

    def inc(self, amount):
        pass

    def set(self, value, timestamp=None):
        pass


def buckets(histogram):
    """Returns the counts of a histogram's buckets, one for each of its upper bounds."""
    found, before = [], -INF
    at = -1
    for bound in histogram._upper_bounds:
        is_new = at < 0 or bound != before
        at, before = at + is_new, bound
        found.append(Count(histogram, at, bound) if is_new else _Nothing(histogram))
    return found
