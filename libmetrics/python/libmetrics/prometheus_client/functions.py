"""Gauges whose value is a function's: set_function().

No other process can call the function, so the segment has no value of it, as prometheus_client's
multiprocess mode has none. Where this process is asked, the series has what the function returns.
"""
import os
from weakref import WeakSet

from .samples import Sample

# The series that have a function; in a forked child too, which has its own copy of the function.
_gauges: WeakSet = WeakSet()


def set_on(gauge, function):
    """Makes the function the value of the series of this process."""
    gauge._child_samples = lambda: (Sample('', {}, float(function())),)
    _gauges.add(gauge)


def replaced(metric, family):
    """Returns a family of the segment with the samples of the metric's functions in place of those
    that the segment has for the same series of this process."""
    if metric._native_type != 'gauge' or not _gauges:
        return family
    children = metric._children.values() if metric._is_parent() else (metric,)
    for child in [child for child in children if child in _gauges]:
        labels = child._own_labels()
        if metric._multiprocess_mode in ('all', 'liveall'):
            labels['pid'] = str(os.getpid())
        family.samples = [sample for sample in family.samples if sample.labels != labels]
        for _, _, value, *rest in child._child_samples():
            family.add_sample(metric._name, labels, value, *rest)
    return family
