"""The exemplars of this process's own view, which each metric object keeps: the last one of a
counter, and of each bucket of a histogram.

The segment has exemplars of its own, of metrics that have places for them; the default registry
shows those, and of metrics without places those of this process.
"""
import time
from weakref import WeakKeyDictionary

from .samples import Exemplar
from .utils import floatToGoString

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


def add_to(family, children):
    """Puts the exemplars that these metric objects keep to the samples of their family, whose
    values are those of all processes."""
    kept = {}
    for child in children if _kept else ():
        for bound, exemplar in _kept.get(child, {}).items():
            le = {} if bound is None else {'le': floatToGoString(bound)}
            kept[frozenset({**child._own_labels(), **le}.items())] = exemplar
    if kept:
        family.samples = [sample._replace(exemplar=kept.get(frozenset(sample.labels.items())))
                          if sample.name.endswith(('_bucket', '_total')) else sample for sample in family.samples]
