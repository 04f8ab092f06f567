"""A metric with labels and its children, by label values: made, found, removed."""
from libmetrics import _metrics, log

from . import segment
from .children import Children
from .definition import _native, _shown

# By type: the __init__ of the library's own class of it, which subclasses may override.
_LIBRARYS_INIT: dict = {}


class Labelled(_metrics.Metric):
    """The part of a metric that knows its children."""

    # The attributes that a child copies from its parent, one by one and never through __dict__:
    # CPython finds methods twice as fast in objects whose __dict__ was never asked for.
    _OF_FAMILY: tuple = ('_original_name', '_namespace', '_subsystem', '_name', '_labelnames', '_documentation',
                         '_unit', '_kwargs', '_shows_all')

    # Up to so many children are never looked through for removed ones.
    _FEW = 64

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
