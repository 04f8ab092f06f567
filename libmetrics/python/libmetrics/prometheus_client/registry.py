"""Keeps the names that a process has taken, and collects its metrics.

Metrics are counted in the segment whichever registry they are in, and with registry=None too, as in
prometheus_client's multiprocess mode. What a registry shows depends on the registry:

- REGISTRY, the default, shows the values of all processes, and so does each registry that has a
  MultiProcessCollector: a program exposes these to be scraped, at whichever of its workers.
- Every other registry shows what its own collectors' objects have counted in this process. A
  program makes one to keep something apart: for a push, for one target of an exporter, for a test.
- For a reporter that runs in each worker, and adds up elsewhere, REGISTRY shows this process too:
  see view.py.
"""
from abc import ABC, abstractmethod
import os

from libmetrics import _metrics, log

from . import segment
from .locks import Lock
from .metrics_core import Metric

# What the names of a family's samples may add to its own. OpenMetrics has one type more.
_ENDINGS = {
    **{name: (*filter(None, samples), *('_created',) * created)
       for name, (_, samples, created) in _metrics.TYPES.items()},
    'gaugehistogram': ('_bucket', '_gsum', '_gcount'),
}


class Collector(ABC):
    @abstractmethod
    def collect(self):
        """Returns the families, each a Metric with its samples."""


class _EmptyCollector(Collector):
    def collect(self):
        return []


class CollectorRegistry(Collector):
    """A set of collectors, no two with a sample name in common.

    auto_describe: collectors without describe() are collected once to learn their names.
    target_info: labels of an info `target` that this registry collects first.
    support_collectors_without_names: restricted_registry() asks collectors too whose names are not
        known.
    """

    _lock = Lock()
    _shows_all = False

    def __init__(self, auto_describe=False, target_info=None, support_collectors_without_names=False):
        self._collector_to_names = {}
        self._names_to_collectors = {}
        self._auto_describe = auto_describe
        self._support_collectors_without_names = support_collectors_without_names
        self._collectors_without_names = []
        self._target_info = {}
        self.set_target_info(target_info)

    def register(self, collector):
        """Adds a collector. One of the application's own is collected by this process alone: its
        values are not in the segment, so the aggregator can't serve them, which is logged once.

        ValueError: another collector has one of its names.
        """
        names = self._get_names(collector)
        again = collector in self._collector_to_names
        duplicates = {name for name in names
                      if self._names_to_collectors.setdefault(name, collector) is not collector or again}
        if duplicates:
            if not again:
                for name in set(names) - duplicates:
                    del self._names_to_collectors[name]
            raise ValueError(f'Duplicated timeseries in CollectorRegistry: {duplicates}')
        self._collector_to_names[collector] = names
        if self._support_collectors_without_names and not names:
            self._collectors_without_names.append(collector)
        if not _of_class(collector, '_libmetrics') or not collector._libmetrics:
            kind = type(collector).__qualname__
            log.once(('collector', kind),
                     f"the custom collector {kind} computes its values when one process is asked, so they aren't in "
                     f'the shared segment: only this process can expose them, metrics-aggregator does not')

    def unregister(self, collector):
        """Removes a collector; the segment keeps its counts. KeyError: it isn't registered.

        Another metric may then be defined that could not be served beside it.
        """
        for name in self._collector_to_names.pop(collector):
            self._names_to_collectors.pop(name, None)
        if collector in self._collectors_without_names:
            self._collectors_without_names.remove(collector)
        if _of_class(collector, '_give_up'):
            collector._give_up()

    def _get_names(self, collector):
        describe = getattr(collector, 'describe', None)
        if describe is None and self._auto_describe:
            describe = collector.collect
        names = []
        for metric in describe() if describe is not None else ():
            names.append(metric.name)
            names.extend(metric.name + ending for ending in _ENDINGS.get(metric.type, ()))
        return names

    def collect(self):
        """Yields the families of all collectors; see this module for whose values they have."""
        yield from self._collect(self._shows_all)

    def _collect(self, shows_all):
        if self._target_info:
            yield self._target_info_metric()
        yield from _collected(list(self._collector_to_names), shows_all)

    def restricted_registry(self, names):
        """Returns an object whose collect() yields the samples of these names only."""
        return RestrictedRegistry(names, self)

    def set_target_info(self, labels):
        """Sets the labels of the info `target`. ValueError: a metric has the name target_info."""
        if labels:
            if not self._target_info and 'target_info' in self._names_to_collectors:
                raise ValueError('CollectorRegistry already contains a target_info metric')
            self._names_to_collectors['target_info'] = _EmptyCollector()
        elif self._target_info:
            self._names_to_collectors.pop('target_info', None)
        self._target_info = labels

    def get_target_info(self):
        """Returns the labels of the info `target`, or a false value if none are set."""
        return self._target_info

    def _target_info_metric(self):
        metric = Metric('target', 'Target metadata', 'info')
        metric.add_sample('target_info', self._target_info, 1)
        return metric

    def get_sample_value(self, name, labels=None):
        """Returns the value of the sample with that name and these labels, or None.

        In the default registry, a gauge of mode `all` or `liveall` has a sample for each process,
        with its pid as label; without that label, this returns this process's.
        """
        labels = {} if labels is None else labels
        own = {**labels, 'pid': str(os.getpid())}
        of_this_process = None
        for metric in self.collect():
            for sample in metric.samples:
                if sample.name == name:
                    if sample.labels == labels:
                        return sample.value
                    if sample.labels == own:
                        of_this_process = sample.value
        return of_this_process


class RestrictedRegistry:
    """A registry's samples of certain names."""

    def __init__(self, names, registry):
        self._name_set = set(names)
        self._registry = registry

    def collect(self):
        """Yields the families that have such samples, with only these."""
        registry = self._registry
        if 'target_info' in self._name_set and registry._target_info:
            yield registry._target_info_metric()
        collectors = list(registry._collectors_without_names)
        for name in self._name_set - {'target_info'}:
            collector = registry._names_to_collectors.get(name)
            if collector is not None and collector not in collectors:
                collectors.append(collector)
        for metric in _collected(collectors, registry._shows_all):
            restricted = metric._restricted_metric(self._name_set)
            if restricted is not None:
                yield restricted


def _collected(collectors, shows_all):
    """Yields the families of all the collectors; reads the segment once, if at all."""
    everything = [collector for collector in collectors if _of_class(collector, '_is_everything')]
    snapshot = segment.snapshot() if shows_all or everything else None
    for collector in collectors:
        if not _of_class(collector, '_collect_from'):
            yield from collector.collect()
        elif collector in everything or not (everything and collector._libmetrics):
            yield from collector._collect_from(snapshot)


def _of_class(collector, name):
    """Returns whether a collector's class has the attribute. A mock would have any."""
    return hasattr(type(collector), name)


REGISTRY = CollectorRegistry(auto_describe=True)
REGISTRY._shows_all = True
