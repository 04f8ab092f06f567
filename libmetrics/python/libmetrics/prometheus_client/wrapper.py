"""What Counter, Gauge, Histogram, Summary, Info and Enum have in common: a family, or one of its
series, with prometheus_client's private attributes and methods, which programs reach for.

A metric's object counts twice: in its series of the segment, which all processes share, and in
numbers of its own, which are this process's alone. The default registry shows the former, a
program's own registries the latter: see registry.py.
"""
from weakref import WeakSet

from libmetrics import _metrics, log

from . import exemplars, functions, segment
from .children import Children
from .locks import Lock
from .metrics_core import Metric
from .registry import REGISTRY, Collector
from .samples import Sample
from .validation import _validate_exemplar, _validate_labelnames, _validate_metric_name


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


# The metrics that a program has made, without their children.
_families: WeakSet = WeakSet()


def begin_anew():
    """Makes all metrics of this process as they were when they were made, for a test: at 0, without
    children, also in the segment, for all processes."""
    # Parents first: the states of an Enum without labels are children of a metric of its own.
    for metric in sorted(_families, key=MetricWrapperBase._is_observable):
        metric._begin_family_anew()


class MetricWrapperBase(Collector, _metrics.Metric):
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

    _type = None
    _native_type = None  # the type of its family in the segment; None: it has none
    _reserved_labelnames = ()
    _lock = Lock()

    # The attributes that a child copies from its parent, one by one and never through __dict__:
    # CPython finds methods twice as fast in objects whose __dict__ was never asked for.
    _OF_FAMILY = ('_original_name', '_namespace', '_subsystem', '_name', '_labelnames', '_documentation', '_unit',
                  '_kwargs', '_shows_all')

    # Up to so many children are never looked through for removed ones.
    _FEW = 64

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

    # ---- labels ----

    def _is_observable(self):
        return not self._labelnames or bool(self._labelvalues)

    def _is_parent(self):
        return bool(self._labelnames) and not self._labelvalues

    def _raise_if_not_observable(self):
        if not self._is_observable():
            raise ValueError(f'{self._type} metric is missing label values')

    @property
    def _libmetrics(self):
        return self._native_type is not None

    @property
    def _metrics(self):
        """The children by label values. Programs that empty it make labels() begin anew; the
        segment goes on from what it has."""
        return self._children

    @_metrics.setter
    def _metrics(self, children):
        if self._is_parent():
            self._forget_all()
        self._children = Children(self, children)

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
        child = self._children.get(values)
        if child is None:
            child = self._new_child(values)
            if not child._own:  # label values that never end must not fill this process's memory
                return child
            child = self._children.setdefault(values, child)
        self._adopt(values, child)
        if len(self._children) > self._looked_through_at:
            self._drop_removed()
        return child

    def _new_child(self, values):
        cls = type(self)
        if cls.__init__ is not _LIBRARYS_INIT.get(cls._type):
            return self._new_child_of_the_programs_class(values)
        child = cls.__new__(cls)
        for name in self._OF_FAMILY:
            setattr(child, name, getattr(self, name))
        child._labelvalues = values
        child._begin(self, tuple(_native(value) for value in values))
        child._metric_init()
        return child

    def _new_child_of_the_programs_class(self, values):
        """Makes the child as prometheus_client does: by a call of the class, whose __init__ may
        give it attributes, or change what it is given."""
        optional = {'namespace': self._namespace, 'subsystem': self._subsystem, 'unit': self._unit}
        child = type(self)(self._original_name, documentation=self._documentation, labelnames=self._labelnames,
                           _labelvalues=values, **{name: text for name, text in optional.items() if text},
                           **self._kwargs)
        child._shows_all = self._shows_all
        return child

    def _drop_removed(self):
        """Forgets the children whose series another process has removed. Called whenever their
        number has doubled, so that they cost a new child the same however many there are."""
        for values, child in list(self._children.items()):
            if child._removed:
                self._children.pop(values, None)
        self._looked_through_at = max(self._FEW, 2 * len(self._children))

    def remove(self, *labelvalues):
        """Removes the series with these label values from the segment, for all processes. The next
        labels() in any process begins anew; updates through an old child count nothing. Does
        nothing if there is no such series.

        ValueError: the metric has no labels, or another number of them.
        """
        if not self._labelnames or self._labelvalues:
            raise ValueError(f'No label names were set when constructing {self}')
        if len(labelvalues) != len(self._labelnames):
            raise ValueError(f'Incorrect label count (expected {len(self._labelnames)}, got {labelvalues})')
        values = tuple(str(value) for value in labelvalues)
        self._children.pop(values, None)
        self._remove_series(tuple(_native(value) for value in values))

    def remove_by_labels(self, labels):
        """Removes all series that have these label values, a dict by label names, from the segment,
        for all processes; does nothing for an empty dict.

        ValueError: the metric has no labels, or not these. TypeError: not a dict.
        """
        if not self._labelnames or self._labelvalues:
            raise ValueError(f'No label names were set when constructing {self}')
        if not isinstance(labels, dict):
            raise TypeError('labels must be a dict of {label_name: label_value}')
        unknown = [name for name in labels if name not in self._labelnames]
        if unknown:
            raise ValueError(f'Unknown label names: {unknown}; expected {self._labelnames}')
        if not labels:
            return
        wanted = {name: _shown(value) for name, value in labels.items()}.items()
        gone = {values for values in list(self._children)
                if wanted <= dict(zip(self._labelnames, map(_shown, values))).items()}
        family = segment.snapshot().get(self._name)
        for found, *_ in family[4] if family is not None and family[0] == self._native_type else ():
            if wanted <= found.items() and self._labelnames_of(found):
                gone.add(tuple(found[name] for name in self._labelnames))
        for values in gone:
            self.remove(*values)

    def _labelnames_of(self, labels):
        return self._native_labelnames()(labels.keys())

    def clear(self):
        """Removes all series of a metric with labels from the segment, for all processes."""
        if not self._labelnames or self._labelvalues:
            raise ValueError(f'No label names were set when constructing {self}')
        self._children.clear()
        log.warn(self._remove_all())

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


# By type: the library's own class of it, and that class's __init__, which subclasses may override.
_LIBRARYS = {None: MetricWrapperBase}
_LIBRARYS_INIT = {}


def librarys(cls):
    """Marks a class as the library's own of its type: a class decorator."""
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
