"""Counter, Gauge, Histogram, Summary, Info and Enum, counted in the shared segment.

Definitions are checked as prometheus_client 0.16 checks them, with its errors. A definition that it
allows and the segment refuses (a limit, or a name that shares a sample with another metric of this
process) is not an error: the reason is logged, and the metric counts nothing.
"""
import os
import time

from libmetrics import _metrics, gauge_modes, log

from . import segment
from .context_managers import ExceptionCounter, InprogressTracker, Timer
from .metrics_core import METRIC_LABEL_NAME_RE, METRIC_NAME_RE, RESERVED_METRIC_LABEL_NAME_RE, Metric
from .registry import REGISTRY, Collector
from .utils import INF


def _build_full_name(metric_type, name, namespace, subsystem, unit):
    full_name = ''.join(part + '_' for part in (namespace, subsystem) if part) + name
    if metric_type == 'counter' and full_name.endswith('_total'):
        full_name = full_name[:-len('_total')]
    if unit and not full_name.endswith('_' + unit):
        full_name += '_' + unit
    if unit and metric_type in ('info', 'stateset'):
        raise ValueError('Metric name is of a type that cannot have a unit: ' + full_name)
    return full_name


def _validate_labelname(name):
    if not METRIC_LABEL_NAME_RE.match(name):
        raise ValueError('Invalid label metric name: ' + name)
    if RESERVED_METRIC_LABEL_NAME_RE.match(name):
        raise ValueError('Reserved label metric name: ' + name)


def _validate_labelnames(cls, names):
    names = tuple(names)
    for name in names:
        _validate_labelname(name)
        if name in cls._reserved_labelnames:
            raise ValueError('Reserved label metric name: ' + name)
    return names


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


class _Reading:
    """Reads `metric._value.get()` and the like, which tests of applications use, from the
    segment."""

    def __init__(self, metric, ending, le=None):
        self._metric = metric
        self._ending = ending
        self._le = le

    def get(self):
        """Returns the value of all processes, or of this one if each has its own; 0 if it is
        absent."""
        le = {} if self._le is None else {'le': self._le}
        pid = str(os.getpid())
        for metric in self._metric.collect():
            for sample in metric.samples:
                rest = {k: v for k, v in sample.labels.items() if k not in self._metric._own_labels()}
                if sample.name == self._metric._name + self._ending and rest in (le, {**le, 'pid': pid}):
                    return sample.value
        return 0.0


class MetricWrapperBase(Collector):
    """A family, or one of its series.

    `max_series`, which prometheus_client does not have, is how many series the family may have: a
    counter, histogram or summary counts beyond it in one series, whose label values are all
    `__overflow__`, and the others do nothing there. The environment variable METRICS_MAX_SERIES
    ("http_*=5000") gives limits from outside, and wins. The segment keeps the first limit.
    ValueError: not a whole number from 1 to 2^32 - 1.
    """

    _type = None
    _reserved_labelnames = ()
    _libmetrics = True

    # The attributes that a child copies from its parent, one by one and never through __dict__:
    # CPython finds methods twice as fast in objects whose __dict__ was never asked for.
    _OF_FAMILY = ('_name', '_labelnames', '_documentation', '_unit')

    # Up to so many children are never looked through for removed ones.
    _FEW = 64

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY, *,
                 max_series=None):
        self._max_series = _checked_limit(max_series)
        self._name = _build_full_name(self._type, name, namespace, subsystem, unit)
        self._labelnames = _validate_labelnames(type(self), labelnames)
        self._labelvalues = ()
        self._documentation = documentation
        self._unit = unit
        if not METRIC_NAME_RE.match(self._name):
            raise ValueError('Invalid metric name: ' + self._name)
        self._check_definition()
        if registry:
            registry.register(self)
        log.warn(self._define(_native(documentation)))
        if self._labelnames:
            self._metrics = {}
            self._looked_through_at = self._FEW
            self._parent(self._labelnames)
        else:
            self._begin(self, ())

    # ---- what a type adds ----

    def _check_definition(self):
        """Raises ValueError if an argument that only this type has is wrong."""

    def _define(self, documentation):
        """Finds or makes the family in the segment; returns messages to log, or None."""
        raise NotImplementedError

    def _begin(self, parent, labelvalues):
        """Makes this the series of the parent with these label values, which _native() has made."""
        for text in self._series(parent, labelvalues) or ():
            log.once(('series', self._name, text), f'{self._name}: {text}')

    def _remove_series(self, labelvalues):
        log.warn(self._remove(labelvalues))

    # ---- labels ----

    def _labels(self, labelvalues, labelkwargs):
        """Makes the child that labels() has not found, or raises ValueError. Two threads that make
        the same child get one object."""
        if not self._labelnames:
            raise ValueError(f'No label names were set when constructing {self}')
        if self._labelvalues:
            own = dict(zip(self._labelnames, self._labelvalues))
            raise ValueError(f'{self} already has labels set ({own}); can not chain calls to .labels()')
        if labelvalues and labelkwargs:
            raise ValueError("Can't pass both *args and **kwargs")
        if labelkwargs:
            if sorted(labelkwargs) != sorted(self._labelnames):
                raise ValueError('Incorrect label names')
            labelvalues = [labelkwargs[name] for name in self._labelnames]
        elif len(labelvalues) != len(self._labelnames):
            raise ValueError('Incorrect label count')
        values = tuple(str(value) for value in labelvalues)
        child = self._metrics.get(values)
        if child is None:
            child = type(self).__new__(type(self))
            for name in self._OF_FAMILY:
                setattr(child, name, getattr(self, name))
            child._labelvalues = values
            child._begin(self, tuple(_native(value) for value in values))
            if not child._own:  # label values that never end must not fill this process's memory
                return child
            child = self._metrics.setdefault(values, child)
        self._adopt(values, child)
        if len(self._metrics) > self._looked_through_at:
            self._drop_removed()
        return child

    def _drop_removed(self):
        """Forgets the children whose series another process has removed. Called whenever their
        number has doubled, so that they cost a new child the same however many there are."""
        for values, child in list(self._metrics.items()):
            if child._removed:
                self._metrics.pop(values, None)
                self._forget(values)
        self._looked_through_at = max(self._FEW, 2 * len(self._metrics))

    def remove(self, *labelvalues):
        """Removes the series with these label values from the segment, for all processes. The next
        labels() in any process begins anew; updates through an old child count nothing.

        ValueError: the metric has no labels, or another number of them. KeyError: no process has
        such a series.
        """
        if not self._labelnames or self._labelvalues:
            raise ValueError(f'No label names were set when constructing {self}')
        if len(labelvalues) != len(self._labelnames):
            raise ValueError(f'Incorrect label count (expected {len(self._labelnames)}, got {labelvalues})')
        values = tuple(str(value) for value in labelvalues)
        native = tuple(_native(value) for value in values)
        there = self._metrics.pop(values, None) is not None or self._in_segment(native)
        self._forget(values)
        self._remove_series(native)
        if not there:
            raise KeyError(values)

    def clear(self):
        """Removes all series of a metric with labels from the segment, for all processes."""
        if not self._labelnames or self._labelvalues:
            raise ValueError(f'No label names were set when constructing {self}')
        self._metrics = {}
        self._forget_all()
        log.warn(self._remove_all())

    def _own_labels(self):
        return dict(zip(self._labelnames, map(_shown, self._labelvalues)))

    def _in_segment(self, native):
        family = segment.snapshot().get(self._name)
        wanted = dict(zip(self._labelnames, map(_shown, native))).items()
        return family is not None and any(wanted <= labels.items() for labels, _ in family[4])

    # ---- collecting ----

    def _get_metric(self):
        return Metric(self._name, self._documentation, self._type, self._unit)

    def describe(self):
        """Returns the family without samples, in a list."""
        return [self._get_metric()]

    def collect(self):
        """Returns the family with the values of all processes, in a list; for a child, its series
        alone."""
        return self._collect_from(segment.snapshot())

    def _collect_from(self, snapshot):
        metric = self._get_metric()
        family = snapshot.get(self._name)
        # The program that started last decides which bounds a histogram has, and which of the two a
        # summary and a histogram of one name are.
        types = {family[0], self._native_type} if family is not None else {}
        if types == {'histogram', 'summary'}:
            metric.type = family[0]
        if len(types) == 1 or types == {'histogram', 'summary'}:
            own = self._own_labels().items()
            names = self._native_labelnames()
            series = [one for one in family[4] if own <= one[0].items() and names(one[0].keys())]
            segment.add_samples(metric, (*family[:4], series))
        return [metric]

    # These distinguish this family in a snapshot from another program's of the same name.
    _native_type = None

    def _native_labelnames(self):
        names = set(self._labelnames)
        return lambda keys: keys - {'pid'} == names - {'pid'}

    def __str__(self):
        return f'{self._type}:{self._name}'

    def __repr__(self):
        return f'{type(self).__module__}.{type(self).__name__}({self._name})'

    def _raise_if_not_observable(self):
        if not self._observable:
            raise ValueError(f'{self._type} metric is missing label values')

    @staticmethod
    def _check_exemplar(exemplar):
        """Checks an exemplar as prometheus_client checks it. It is then dropped: the segment has no
        exemplars."""
        runes = 0
        for name, value in exemplar.items():
            _validate_labelname(name)
            runes += len(name) + len(value)
        if runes > 128:
            raise ValueError(f'Exemplar labels have {runes} UTF-8 characters, exceeding the limit of 128')


@_metrics.own_methods
class Counter(MetricWrapperBase, _metrics.Counter):
    """A count that only goes up.

        TASKS = Counter('tasks_total', 'Tasks finished.', ['type'])
        TASKS.labels('image').inc()
    """

    _type = _native_type = 'counter'

    def _define(self, documentation):
        # The library takes one `_total` off, which must not be one that is part of the name.
        return self._family(self._name + '_total', documentation, self._unit, self._labelnames, self._max_series)

    def count_exceptions(self, exception=Exception):
        """Returns a context manager and decorator that counts the exceptions of that type, or of
        these types, that leave the block."""
        self._raise_if_not_observable()
        return ExceptionCounter(self, exception)

    @property
    def _value(self):
        return _Reading(self, '_total')


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
    _OF_FAMILY = (*MetricWrapperBase._OF_FAMILY, '_multiprocess_mode')

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY,
                 _labelvalues=None, multiprocess_mode=None, *, max_series=None):
        if multiprocess_mode is not None and multiprocess_mode not in self._MULTIPROC_MODES:
            raise ValueError(f'Invalid multiprocess mode: {multiprocess_mode}')
        self._multiprocess_mode = multiprocess_mode
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, max_series=max_series)

    def _define(self, documentation):
        self._multiprocess_mode = gauge_modes.mode_for(self._name, self._multiprocess_mode)
        return self._family(self._name, documentation, self._unit, self._labelnames, self._max_series,
                            gauge_modes.MODES.index(self._multiprocess_mode))

    def set_to_current_time(self):
        """Sets the gauge to the seconds since the Unix epoch."""
        self.set(time.time())

    def track_inprogress(self):
        """Returns a context manager and decorator that adds 1 for as long as the block runs."""
        self._raise_if_not_observable()
        return InprogressTracker(self)

    def time(self):
        """Returns a context manager and decorator that sets the gauge to the seconds the block
        took."""
        return Timer(self, 'set')

    def set_function(self, f):
        """Raises NotImplementedError: other processes can't call the function."""
        raise NotImplementedError(
            f"set_function of {self}: the function lives in this process, and metrics-aggregator, which serves the "
            f"metrics of all processes, can't call it; call set() where the value changes")

    @property
    def _value(self):
        return _Reading(self, '')


@_metrics.own_methods
class Summary(MetricWrapperBase, _metrics.Histogram):
    """Counts and sums observations.

        SIZES = Summary('request_size_bytes', 'Sizes of requests.')
        SIZES.observe(512)
    """

    _type = _native_type = 'summary'
    _reserved_labelnames = ('quantile',)

    def _define(self, documentation):
        return self._family(self._name, documentation, self._unit, self._labelnames, self._max_series, None)

    def time(self):
        """Returns a context manager and decorator that observes the seconds the block took."""
        return Timer(self, 'observe')

    @property
    def _count(self):
        return _Reading(self, '_count')

    @property
    def _sum(self):
        return _Reading(self, '_sum')


@_metrics.own_methods
class Histogram(MetricWrapperBase, _metrics.Histogram):
    """Counts observations in buckets.

        SECONDS = Histogram('task_seconds', 'Time of a task.', ['type'])
        with SECONDS.labels('image').time():
            ...

    ValueError: the buckets are not in ascending order, or there are no buckets.
    """

    _type = _native_type = 'histogram'
    _reserved_labelnames = ('le',)
    _OF_FAMILY = (*MetricWrapperBase._OF_FAMILY, '_upper_bounds')
    DEFAULT_BUCKETS = (.005, .01, .025, .05, .075, .1, .25, .5, .75, 1.0, 2.5, 5.0, 7.5, 10.0, INF)

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY,
                 _labelvalues=None, buckets=DEFAULT_BUCKETS, *, max_series=None):
        self._prepare_buckets(buckets)
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, max_series=max_series)

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
                            self._native_bounds())

    def time(self):
        """Returns a context manager and decorator that observes the seconds the block took."""
        return Timer(self, 'observe')

    @property
    def _sum(self):
        return _Reading(self, '_sum')


# By pid and an info's name: what the process has set, by the values of the metric's own labels. By
# pid, since a forked child must not take away what its parent has set: a fact while that lives.
_facts = {}


def _facts_of_this_process(name):
    pid = os.getpid()
    if pid not in _facts:
        for ancestor in set(_facts) - {pid}:
            _facts.pop(ancestor, None)
    return _facts.setdefault(pid, {}).setdefault(name, {})


class Info(MetricWrapperBase, _metrics.Info):
    """Constant information as labels, value 1. It has no sample until info() is called.

        BUILD = Info('build', 'What is running.')
        BUILD.info({'version': '1.2.3'})
    """

    _type = _native_type = 'info'
    _OF_FAMILY = (*MetricWrapperBase._OF_FAMILY, '_parent_info')

    def _define(self, documentation):
        self._parent_info = self
        return self._family(self._name + '_info', documentation, self._max_series)

    def _begin(self, parent, labelvalues):
        pass  # its labels are known when info() is called

    def _native_labelnames(self):
        names = set(self._labelnames)
        return lambda keys: names <= keys

    def info(self, val):
        """Sets the information, a dict, in place of what this process has set in these labels
        before. What other processes have set stays, unless it is the same as what is replaced.

        ValueError: one of its labels is one of the metric's, or label values are missing.
        """
        if len(self._labelvalues) != len(self._labelnames):
            raise ValueError(f'{self._type} metric is missing label values')
        if set(self._labelnames) & val.keys():
            raise ValueError(f'Overlapping labels for Info metric, metric: {self._labelnames} child: {val}')
        own = tuple(map(_native, self._labelvalues))
        fact = {**dict(zip(self._labelnames, own)),
                **{_native(name): _native(value) for name, value in val.items()}}
        log.warn(self._parent_info._state(_facts_of_this_process(self._name), own, fact))

    def _remove_series(self, labelvalues):
        _facts_of_this_process(self._name).pop(labelvalues, None)
        gone = dict(zip(self._labelnames, map(_shown, labelvalues))).items()
        family = segment.snapshot().get(self._name)
        for labels, _ in family[4] if family is not None and family[0] == 'info' else ():
            if gone <= labels.items():
                log.warn(self._parent_info._remove(tuple(text for pair in labels.items() for text in pair)))

    def clear(self):
        super().clear()
        _facts_of_this_process(self._name).clear()


class Enum(MetricWrapperBase, _metrics.Metric):
    """Which of several states something is in: a gauge for each, 1 or 0, labelled with the state.

        STATE = Enum('task_state', 'What it does.', states=['starting', 'running', 'stopped'])
        STATE.state('running')

    All processes share the state: the last one that any process has set counts, whether or not that
    process still lives (mode `mostrecent`). Making the metric sets the first state, unless some
    process has already set one.

    ValueError: there are no states, or a label has the metric's name.
    """

    _type = 'stateset'
    _native_type = 'gauge'
    _OF_FAMILY = (*MetricWrapperBase._OF_FAMILY, '_gauges', '_states')

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY,
                 _labelvalues=None, states=None, *, max_series=None):
        labelnames = tuple(labelnames)
        if name in labelnames:
            raise ValueError(f'Overlapping labels for Enum metric: {name}')
        if not states:
            raise ValueError(f'No states provided for Enum metric: {name}')
        self._states = states
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, max_series=max_series)

    def _define(self, documentation):
        self._gauges = Gauge(self._name, documentation, (*self._labelnames, self._name), registry=None,
                             multiprocess_mode='mostrecent',
                             max_series=min(self._max_series * len(self._states), _MOST_SERIES) or None)
        return None

    def _begin(self, parent, labelvalues):
        if not self._in_segment(labelvalues):
            self.state(self._states[0])

    def _native_labelnames(self):
        names = {*self._labelnames, self._name}
        return lambda keys: keys - {'pid'} == names - {'pid'}

    def state(self, state):
        """Sets the state. ValueError: not one of the states, or label values are missing."""
        if self._labelnames and not self._labelvalues:
            raise ValueError(f'{self._type} metric is missing label values')
        if state not in self._states:
            raise ValueError(f'{state!r} is not in list')
        for one in self._states:
            self._gauges.labels(*self._labelvalues, one).set(1 if one == state else 0)

    def _give_up(self):
        self._gauges._give_up()

    def _remove_series(self, labelvalues):
        for state in self._states:
            self._gauges._remove_series((*labelvalues, _native(state)))

    def clear(self):
        super().clear()
        self._gauges.clear()
