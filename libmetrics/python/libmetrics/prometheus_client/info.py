"""Info: constant information as labels."""
import os

from libmetrics import _metrics, log

from . import segment
from .definition import _native, _shown
from .samples import Sample
from .wrapper import MetricWrapperBase, librarys

# By pid and an info's name: what the process has set, by the values of the metric's own labels. By
# pid, since a forked child must not take away what its parent has set: a fact while that lives.
_facts: dict = {}


def _facts_of_this_process(name):
    pid = os.getpid()
    if pid not in _facts:
        for ancestor in set(_facts) - {pid}:
            _facts.pop(ancestor, None)
    return _facts.setdefault(pid, {}).setdefault(name, {})


@librarys
class Info(MetricWrapperBase, _metrics.Info):
    """Constant information as labels, value 1. The segment has no sample until info() is called.

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

    def _metric_init(self):
        self._value = {}

    def _native_labelnames(self):
        names = set(self._labelnames)
        return lambda keys: names <= keys

    def info(self, val):
        """Sets the information, a dict, in place of what this process has set in these labels
        before. What other processes have set stays, unless it is the same as what is replaced.

        ValueError: one of its labels is one of the metric's, a value is None, or label values are
        missing.
        """
        self._raise_if_not_observable()
        if set(self._labelnames) & val.keys():
            raise ValueError(f'Overlapping labels for Info metric, metric: {self._labelnames} child: {val}')
        if any(value is None for value in val.values()):
            raise ValueError('Label value cannot be None')
        self._value = dict(val)
        own = tuple(map(_native, self._labelvalues))
        fact = {**dict(zip(self._labelnames, own)),
                **{_native(name): _native(value) for name, value in val.items()}}
        log.warn(self._parent_info._state(_facts_of_this_process(self._name), own, fact))

    def _child_samples(self):
        return (Sample('_info', self._value, 1.0),)

    def _remove_series(self, labelvalues):
        _facts_of_this_process(self._name).pop(labelvalues, None)
        gone = dict(zip(self._labelnames, map(_shown, labelvalues))).items()
        family = segment.snapshot().get(self._name)
        for labels, *_ in family[4] if family is not None and family[0] == 'info' else ():
            if gone <= labels.items():
                log.warn(self._parent_info._remove(tuple(text for pair in labels.items() for text in pair)))

    def clear(self):
        super().clear()
        _facts_of_this_process(self._name).clear()
