"""The exemplars of this process's own view, which each metric object keeps: the last one of a
counter, and of each bucket of a histogram.

The segment has exemplars of its own, of metrics that have places for them; the default registry
shows those.
"""
import time
from weakref import WeakKeyDictionary

from .samples import Exemplar

# By metric object, a dict by the bucket's upper bound; by None for a counter.
_kept: WeakKeyDictionary = WeakKeyDictionary()


def keep(metric, labels, amount):
    """Keeps the exemplar of an amount that the metric has just counted."""
    bound = None
    if metric._type == 'histogram':
        bound = next((bound for bound in metric._upper_bounds if amount <= bound), None)
        if bound is None:  # NaN
            return
    put(metric, bound, Exemplar(dict(labels), amount, time.time()))


def put(metric, bound, exemplar):
    """Keeps an exemplar of the bucket with that upper bound."""
    _kept.setdefault(metric, {})[bound] = exemplar


def of(metric, bound=None):
    """Returns the exemplar of the bucket with that upper bound, or None."""
    return _kept[metric].get(bound) if metric in _kept else None
