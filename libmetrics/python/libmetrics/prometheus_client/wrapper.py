"""What Counter, Gauge, Histogram, Summary, Info and Enum have in common: a family, or one of its
series, with prometheus_client's private attributes and methods, which programs reach for.

A metric's object counts twice: in its series of the segment, which all processes share, and in
numbers of its own, which are this process's alone. The default registry shows the former, a
program's own registries the latter: see registry.py.
"""
from weakref import WeakSet

from libmetrics import log

from . import exemplars, functions, segment
from .children import Children
from .definition import _build_full_name, _checked_limit, _native, _shown
from .labelled import _LIBRARYS_INIT, Labelled
from .locks import Lock
from .metrics_core import Metric
from .registry import REGISTRY, Collector
from .samples import Sample
from .validation import _validate_exemplar, _validate_labelnames, _validate_metric_name

# The metrics that a program has made, without their children.
_families: WeakSet = WeakSet()


def begin_anew():
    """Makes all metrics of this process as they were when they were made, for a test: at 0, without
    children, also in the segment, for all processes."""
    # Parents first: the states of an Enum without labels are children of a metric of its own.
    for metric in sorted(_families, key=MetricWrapperBase._is_observable):
        metric._begin_family_anew()


class MetricWrapperBase(Labelled, Collector):
    """A family, or one of its series.

    `max_series`, which prometheus_client does not have, is how many series the family may have: a
    counter, histogram or summary counts beyond it in one series, whose label values are all
    `__overflow__`, and the others do nothing there. The environment variable METRICS_MAX_SERIES
    ("http_*=5000") gives limits from outside, and wins. The segment keeps the first limit.
    ValueError: not a whole number from 1 to 2^32 - 1.

    `exemplars`, which prometheus_client does not have either, gives the series of a counter or
    histogram places for exemplars in the segment; so does METRICS_EXEMPLARS ("http_*,tasks_total")
    from outside. Without places, each process has its own exemplars only, and that is logged once.
    The segment keeps what the first process has chosen.

    A class that a program derives from this one directly, with values.ValueClass for its numbers,
    is not in the segment.
    """

    _type: str | None = None
    _native_type: str | None = None  # the type of its family in the segment; None: it has none
    _reserved_labelnames = ()
    _lock = Lock()

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY,
                 _labelvalues=None, *, max_series=None, exemplars=False):
        self._max_series = _checked_limit(max_series)
        self._exemplars = bool(exemplars)
        self._original_name = name
        self._namespace = namespace
        self._subsystem = subsystem
        self._name = _build_full_name(self._type, name, namespace, subsystem, unit)
        self._labelnames = _validate_labelnames(type(self), labelnames)
        self._labelvalues = tuple(_labelvalues or ())
        self._kwargs = {} if max_series is None else {'max_series': max_series}
        if exemplars:
            self._kwargs['exemplars'] = True
        self._documentation = documentation
        self._unit = unit
        self._shows_all = getattr(registry, '_shows_all', False)
        _validate_metric_name(self._name)
        self._check_definition()
        if registry and not self._labelvalues:
            registry.register(self)
        if self._native_type is not None:
            log.warn(self._define(_native(documentation)))
        if not self._labelvalues:
            _families.add(self)
        if self._is_parent():
            self._children = Children(self)
            self._looked_through_at = self._FEW
            self._parent(self._labelnames)
        else:
            self._begin(self, tuple(map(_native, self._labelvalues)))
            self._metric_init()

    # ---- what a type adds ----

    def _check_definition(self):
        """Raises ValueError if an argument that only this type has is wrong."""

    def _define(self, documentation):
        """Finds or makes the family in the segment; returns messages to log, or None."""

    def _begin(self, parent, labelvalues):
        """Makes this the series of the parent with these label values, which _native() has made."""
        if self._native_type is not None:
            for text in self._series(parent, labelvalues) or ():
                log.once(('series', self._name, text), f'{self._name}: {text}')

    def _metric_init(self):
        """Begins this object's own numbers at 0; called for each series, and by programs that
        report and forget."""
        raise NotImplementedError(f'_metric_init() must be implemented by {self!r}')

    def _child_samples(self):
        """Returns the samples of this object's own numbers, named by their endings."""
        raise NotImplementedError(f'_child_samples() must be implemented by {self!r}')

    def _remove_series(self, labelvalues):
        log.warn(self._remove(labelvalues))

    def _begin_family_anew(self):
        if self._is_parent():
            self.clear()
        else:
            self._remove_series(())
            log.warn(self._renew())
            self._begin_anew()
            self._metric_init()

    def _own_labels(self):
        return dict(zip(self._labelnames, map(_shown, self._labelvalues)))

    def _in_segment(self, native):
        family = segment.snapshot().get(self._name)
        wanted = dict(zip(self._labelnames, map(_shown, native))).items()
        return family is not None and any(wanted <= labels.items() for labels, *_ in family[4])

    # ---- collecting ----

    def _get_metric(self):
        return Metric(self._name, self._documentation, self._type, self._unit)

    def describe(self):
        """Returns the family without samples, in a list."""
        return [self._get_metric()]

    def collect(self):
        """Returns the family, in a list; for a child, its series alone. The values are those of all
        processes if the metric is in the default registry, else those of this object."""
        return self._families(segment.snapshot() if self._shows_all else None)

    def _collect_from(self, snapshot):
        """Does as collect(), for a registry; `snapshot` is None for the values of this object."""
        if not _has(self, 'collect', MetricWrapperBase):
            return self.collect()
        return self._families(snapshot)

    def _families(self, snapshot):
        if snapshot is None or self._native_type is None or not _is_librarys(self):
            return [self._own_family()]
        return [functions.replaced(self, self._family_of(snapshot))]

    def _own_family(self):
        metric = self._get_metric()
        for ending, labels, value, *rest in self._samples():
            metric.add_sample(self._name + ending, labels, value, *rest)
        return metric

    def _samples(self):
        return self._multi_samples() if self._is_parent() else self._child_samples()

    def _multi_samples(self):
        for values, child in list(self._children.items()):
            labels = dict(zip(self._labelnames, values))
            for ending, own, value, *rest in child._samples():
                yield Sample(ending, {**labels, **own}, value, *rest)

    def _family_of(self, snapshot):
        metric = self._get_metric()
        family = snapshot.get(self._name)
        # The program that started last decides which bounds a histogram has, which of the two a
        # summary and a histogram of one name are, and whether a state set is shown as a gauge.
        types = {family[0], self._native_type} if family is not None else {}
        if len(types) == 1 or types == {'histogram', 'summary'} or \
                (self._native_type == 'stateset' and types == {'gauge', 'stateset'}):
            metric.type = family[0]
            own = self._own_labels().items()
            series = [one for one in family[4] if own <= one[0].items() and self._labelnames_of(one[0])]
            segment.add_samples(metric, (*family[:4], series))
            if not self._has_exemplars:
                exemplars.add_to(metric, list(self._children.values()) if self._is_parent() else [self])
        return metric

    def _native_labelnames(self):
        """Returns a function that tells this family's series in a snapshot from another program's
        of the same name, by the names of their labels."""
        names = set(self._labelnames)
        return lambda keys: keys - {'pid'} == names - {'pid'}

    def __str__(self):
        return f'{self._type}:{self._name}'

    def __repr__(self):
        cls = type(self)
        return f'{cls.__module__.removeprefix("libmetrics.")}.{cls.__name__}({self._name})'

    def _check_exemplar(self, exemplar):
        """Checks an exemplar as prometheus_client checks it. Returns its labels' names, and then
        their values, as the library takes them."""
        _validate_exemplar(exemplar)
        return (*map(_native, exemplar), *map(_native, exemplar.values()))

    def _keep_exemplar(self, exemplar, amount, messages):
        """Keeps the exemplar of an amount that was counted, for this process; logs what the library
        has to say of it, a tuple of texts, or None."""
        log.warn(messages)
        exemplars.keep(self, exemplar, amount)


# By type: the library's own class of it.
_LIBRARYS = {None: MetricWrapperBase}


def librarys(cls):
    """Marks a class as the library's own of its type, and as one of metrics.py, where
    prometheus_client has it: a class decorator."""
    cls.__module__ = f'{__package__}.metrics'
    _LIBRARYS[cls._type] = cls
    _LIBRARYS_INIT[cls._type] = cls.__init__
    return cls


def _has(metric, name, cls):
    """Returns whether the metric has a method from that class, and not from one of the
    program's."""
    return getattr(type(metric), name) is getattr(cls, name)


def _is_librarys(metric):
    """Returns whether the samples of the metric are the library's: a program's own can't be in the
    segment."""
    return all(_has(metric, name, _LIBRARYS[metric._type])
               for name in ('_samples', '_multi_samples', '_child_samples'))
