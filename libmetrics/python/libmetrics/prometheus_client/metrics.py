"""Counter, Gauge, Histogram, Summary, Info and Enum, counted in the shared segment.

Definitions are checked as prometheus_client 0.25 checks them. A definition that it allows and the
segment refuses (a limit, or a name that shares a sample with another metric of this process) is not
an error: the reason is logged, and the metric counts only for this process's own registries.
"""
import os
import time

from libmetrics import _metrics, gauge_modes, log

from . import functions
from .context_managers import ExceptionCounter, InprogressTracker, Timer as Timer
from .definition import _build_full_name as _build_full_name
from .info import Info as Info
from .registry import REGISTRY
from .samples import Sample
from .stateset import Enum as Enum
from .utils import INF, floatToGoString
from .values import Count, CounterValue, GaugeValue, OwnNumber, Sum, buckets as buckets_of
from .wrapper import MetricWrapperBase as MetricWrapperBase, librarys


def _get_use_created():
    return os.environ.get('PROMETHEUS_DISABLE_CREATED_SERIES', 'False').lower() not in ('true', '1', 't')


_use_created = _get_use_created()


def disable_created_metrics():
    """Leaves the `_created` samples out of the program's own registries from now on."""
    global _use_created
    _use_created = False


def enable_created_metrics():
    """Has the `_created` samples in the program's own registries from now on."""
    global _use_created
    _use_created = True


def _with_created(metric, samples):
    return (*samples, Sample('_created', {}, metric._created)) if _use_created else tuple(samples)


_NATIVE = ('factor', 'min', 'max', 'negative')


def _checked_native(native):
    """Returns native buckets as the library takes them: a tuple, in which 0 stands for a default,
    or None."""
    if native is None or native is False:
        return None
    given = {} if native is True else native
    if not isinstance(given, dict) or not given.keys() <= set(_NATIVE):
        raise ValueError(f'native must be True, or a dict of {", ".join(_NATIVE)}, not {native!r}')
    return (*(float(given.get(name, 0)) for name in _NATIVE[:3]), bool(given.get('negative', False)))


@librarys
@_metrics.own_methods
class Counter(MetricWrapperBase, _metrics.Counter):
    """A count that only goes up.

        TASKS = Counter('tasks_total', 'Tasks finished.', ['type'])
        TASKS.labels('image').inc()
    """

    _type = _native_type = 'counter'
    _value = OwnNumber(CounterValue)

    def _define(self, documentation):
        # The library takes one `_total` off, which must not be one that is part of the name.
        return self._family(self._name + '_total', documentation, self._unit, self._labelnames, self._max_series,
                            self._exemplars)

    def _metric_init(self):
        self._begin_anew()
        self._created = time.time()

    def reset(self):
        """Begins this process's own count anew at 0, for a logical restart. The segment's count, to
        which other processes add too, goes on: a rate is the same either way."""
        self._raise_if_not_observable()
        self._value.set(0)
        self._created = time.time()

    def count_exceptions(self, exception=Exception):
        """Returns a context manager and decorator that counts the exceptions of that type, or of
        these types, that leave the block."""
        self._raise_if_not_observable()
        return ExceptionCounter(self, exception)

    def _child_samples(self):
        return _with_created(self, (Sample('_total', {}, self._value.get(), None, self._value.get_exemplar()),))


@librarys
@_metrics.own_methods
class Gauge(MetricWrapperBase, _metrics.Gauge):
    """A value that goes up and down. Each process has its own; `multiprocess_mode` decides how they
    become one sample, unless an operator has chosen another mode; see libmetrics.gauge_modes.

        RUNNING = Gauge('tasks_running', 'Tasks that run now.', multiprocess_mode='livesum')
        with RUNNING.track_inprogress():
            ...

    ValueError: not a gauge mode.
    """

    _type = _native_type = 'gauge'
    _MULTIPROC_MODES = frozenset(gauge_modes.MODES)
    _MOST_RECENT_MODES = frozenset(('mostrecent', 'livemostrecent'))
    _OF_FAMILY = (*MetricWrapperBase._OF_FAMILY, '_multiprocess_mode')
    _value = OwnNumber(GaugeValue)

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY,
                 _labelvalues=None, multiprocess_mode=None, *, max_series=None):
        if multiprocess_mode is not None and multiprocess_mode not in self._MULTIPROC_MODES:
            raise ValueError(f'Invalid multiprocess mode: {multiprocess_mode}')
        self._multiprocess_mode = multiprocess_mode
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, _labelvalues,
                         max_series=max_series)
        if multiprocess_mode is not None:
            self._kwargs['multiprocess_mode'] = multiprocess_mode

    def _define(self, documentation):
        self._multiprocess_mode = gauge_modes.mode_for(self._name, self._multiprocess_mode)
        return self._family(self._name, documentation, self._unit, self._labelnames, self._max_series,
                            gauge_modes.MODES.index(self._multiprocess_mode))

    def _metric_init(self):
        self._begin_anew()

    def set_to_current_time(self):
        """Sets the gauge to the seconds since the Unix epoch."""
        self.set(time.time())

    def track_inprogress(self):
        """Returns a context manager and decorator that adds 1 for as long as the block runs."""
        self._raise_if_not_observable()
        return InprogressTracker(self)

    def set_function(self, f):
        """Makes what f() returns the value wherever this process is asked. The segment doesn't have
        it, since no other process can call the function, which is logged once."""
        self._raise_if_not_observable()
        log.once(('set_function', self._name),
                 f'set_function of {self}: the function lives in this process, so metrics-aggregator, which serves the '
                 f"metrics of all processes, can't call it and does not have its value; call set() where it changes")
        functions.set_on(self, f)

    def _child_samples(self):
        return (Sample('', {}, self._value.get()),)


@librarys
@_metrics.own_methods
class Summary(MetricWrapperBase, _metrics.Histogram):
    """Counts and sums observations.

        SIZES = Summary('request_size_bytes', 'Sizes of requests.')
        SIZES.observe(512)
    """

    _type = _native_type = 'summary'
    _reserved_labelnames = ('quantile',)
    _count = OwnNumber(Count)
    _sum = OwnNumber(Sum)

    def _define(self, documentation):
        return self._family(self._name, documentation, self._unit, self._labelnames, self._max_series, None, None,
                            False)

    def _metric_init(self):
        self._begin_anew()
        self._created = time.time()

    def _child_samples(self):
        return _with_created(self, (Sample('_count', {}, self._count.get()), Sample('_sum', {}, self._sum.get())))


@librarys
@_metrics.own_methods
class Histogram(MetricWrapperBase, _metrics.Histogram):
    """Counts observations in buckets.

        SECONDS = Histogram('task_seconds', 'Time of a task.', ['type'])
        with SECONDS.labels('image').time():
            ...

    `native=True`, which prometheus_client does not have, adds native buckets, which a server that
    asks for them gets beside these: 8 for each power of two from a microsecond to an hour, or as a
    dict says: {'factor': 1.1, 'min': 1e-6, 'max': 4096, 'negative': False}. The environment
    variable METRICS_NATIVE_HISTOGRAMS=1 adds those of native=True to all histograms of a program.
    What makes no buckets is logged, and the histogram counts nothing.
    ValueError: the buckets are not in ascending order, there are no buckets, or `native` is neither
    of these.
    """

    _type = _native_type = 'histogram'
    _reserved_labelnames = ('le',)
    _OF_FAMILY = (*MetricWrapperBase._OF_FAMILY, '_upper_bounds')
    _buckets = OwnNumber(buckets_of)
    _sum = OwnNumber(Sum)
    DEFAULT_BUCKETS = (.005, .01, .025, .05, .075, .1, .25, .5, .75, 1.0, 2.5, 5.0, 7.5, 10.0, INF)

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY,
                 _labelvalues=None, buckets=DEFAULT_BUCKETS, *, max_series=None, native=None, exemplars=False):
        self._prepare_buckets(buckets)
        self._by_rule = _checked_native(native)
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, _labelvalues,
                         max_series=max_series, exemplars=exemplars)
        self._kwargs['buckets'] = buckets
        if native is not None:
            self._kwargs['native'] = native

    def _prepare_buckets(self, source_buckets):
        buckets = [float(bound) for bound in source_buckets]
        if buckets != sorted(buckets):
            raise ValueError('Buckets not in sorted order')
        if buckets and buckets[-1] != INF:
            buckets.append(INF)
        if len(buckets) < 2:
            raise ValueError('Must have at least two buckets')
        self._upper_bounds = buckets

    def _native_bounds(self):
        return tuple(dict.fromkeys(bound for bound in self._upper_bounds if bound != INF))

    def _define(self, documentation):
        # A repeated bound makes two buckets of one name in prometheus_client, and one here.
        return self._family(self._name, documentation, self._unit, self._labelnames, self._max_series,
                            self._native_bounds(), self._by_rule, self._exemplars)

    def _metric_init(self):
        self._begin_anew()
        self._created = time.time()

    def _child_samples(self):
        samples, below = [], 0.0
        for bound, bucket in zip(self._upper_bounds, self._buckets):
            below += bucket.get()
            samples.append(Sample('_bucket', {'le': floatToGoString(bound)}, below, None, bucket.get_exemplar()))
        samples.append(Sample('_count', {}, below))
        # With negative observations the sum can go down, so it is not a counter.
        if self._upper_bounds[0] >= 0:
            samples.append(Sample('_sum', {}, self._sum.get()))
        return _with_created(self, samples)
