"""Does at random what programs do with metrics, and writes what they see, in JSON.

    differential_program.py MODULE VIEW FIRST_SEED SEEDS

MODULE is prometheus_client or libmetrics.prometheus_client, VIEW "own" for a registry of the
program's own or "default" for the default one. What is done depends on the seed alone, so two
modules are asked the same. Each record is the operation, and its result or the error that it
raises.
"""
from importlib import import_module
import json
import random
import re
import sys

import prometheus_client as installed

p = import_module(sys.argv[1])
openmetrics = import_module(sys.argv[1] + '.openmetrics.exposition')
is_own = sys.argv[2] == 'own'

NAMES = ('a', 'b_total', 'c', 'd', 'e_seconds', 'f')
LABELS = ((), (), ('x',), ('x', 'y'), ('y', 'x'))
VALUES = ('', 'v', 'w', 'ü "q" \\ \n', 5, 5.0, True, None)
AMOUNTS = (0, 1, 1, 2, .5, .25, 1e6, 12345678.5, 2 ** 20)
BUCKETS = ((1, 2), (0, .5, 1e6), (-1, 0, 1), ('1', '2.5'), (2, 1), (),
           *([(1, 1, 3)] * is_own))  # the segment has one bucket for equal bounds


EXEMPLARS = ({'trace_id': 'a'}, {'trace_id': 'b', 'span': 'ü'}, {}, None, {'__a': 'reserved'}, {'a': 7}, 'text')


class Program:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.registries = [p.CollectorRegistry(), p.CollectorRegistry(auto_describe=True)] if is_own else [p.REGISTRY]
        self.registry_of = {}
        self.prefix = '' if is_own else f'seed{seed}_'
        self.metrics = []
        self.children = []

    @property
    def registry(self):
        """Any of them: each use is another choice."""
        return self.choose(self.registries)

    def choose(self, of):
        return of[self.random.randrange(len(of))]

    def values_for(self, metric):
        number = len(metric._labelnames) if self.random.random() < .95 else self.random.randrange(3)
        return [self.choose(VALUES) for _ in range(number)]

    def make(self):
        kind = self.choose(('Counter', 'Gauge', 'Gauge', 'Histogram', 'Summary', 'Info', 'Enum'))
        more = {}
        if kind == 'Gauge':
            more = {'multiprocess_mode': self.choose(('all', 'liveall', 'sum', 'livesum'))}
        if kind == 'Histogram':
            more = {'buckets': self.choose(BUCKETS)}
        if kind == 'Enum':
            more = {'states': ['on', 'off', 'mixed']}
        if self.random.random() < .1:
            more['namespace'] = 'ns'
        if self.random.random() < .1 and kind not in ('Info', 'Enum'):
            more['unit'] = 'seconds'
        name, labels = self.prefix + self.choose(NAMES), self.choose(LABELS)
        registry = self.registry
        metric = getattr(p, kind)(name, 'Help.\n"quoted" \\', labels, registry=registry, **more)
        self.metrics.append(metric)
        self.registry_of[metric] = registry
        if kind in ('Info',) and not labels:
            metric.info({'first': '1'})
        return repr(metric)

    def label(self):
        metric = self.choose(self.metrics)
        values = self.values_for(metric)
        if self.random.random() < .3 and len(values) == len(metric._labelnames):
            child = metric.labels(**dict(zip(metric._labelnames, values)))
        else:
            child = metric.labels(*values)
        if type(child).__name__ == 'Info':
            child.info({'first': '1'})
        self.children.append(child)
        return str(child)

    def update(self):
        target = self.choose(self.metrics + self.children)
        amount = self.choose(AMOUNTS) * self.choose((1, 1, 1, 1, -1))
        kind = type(target).__name__
        if kind == 'Counter':
            target.inc(amount)
        elif kind == 'Gauge':
            getattr(target, self.choose(('set', 'inc', 'dec')))(amount)
        elif kind in ('Histogram', 'Summary'):
            target.observe(amount)
        elif kind == 'Info':
            target.info({'first': str(amount), 'second': self.choose(('', 'b'))})
        else:
            target.state(self.choose(('on', 'off', 'mixed', 'none')))

    def exemplify(self):
        target = self.choose(self.metrics + self.children)
        amount, exemplar = self.choose(AMOUNTS), self.choose(EXEMPLARS)
        if type(target).__name__ == 'Counter':
            target.inc(amount, exemplar)
        elif type(target).__name__ == 'Histogram':
            target.observe(amount, exemplar=exemplar)

    def reset(self):
        target = self.choose(self.metrics + self.children)
        # The segment's count goes on.
        if is_own and type(target).__name__ == 'Counter' and hasattr(installed.Counter, 'reset'):
            target.reset()

    def remove_by_labels(self):
        metric = self.choose(self.metrics)
        if hasattr(installed.Counter, 'remove_by_labels'):
            names = [*metric._labelnames, 'no_label'] if self.random.random() < .1 else metric._labelnames
            metric.remove_by_labels({name: str(self.choose(VALUES)) for name in names if self.random.random() < .7})
        self.forget_children()

    def measure(self):
        target = self.choose(self.metrics + self.children)
        kind = type(target).__name__
        if kind == 'Gauge':
            with target.track_inprogress():
                return None
        if kind == 'Counter':
            with target.count_exceptions(LookupError):
                raise self.choose((KeyError, ValueError))
        return None

    def remove(self):
        metric = self.choose(self.metrics)
        values = self.values_for(metric)
        # Releases before 0.22 raise KeyError for what is not there.
        if len(values) != len(metric._labelnames) or not values or tuple(map(str, values)) in metric._metrics:
            metric.remove(*values)
        self.forget_children()

    def clear(self):
        metric = self.choose(self.metrics)
        if metric._labelnames:
            metric.clear()
        self.forget_children()

    def forget_children(self):
        if not is_own:  # in the segment, kept infos and enums state again what was removed
            self.children.clear()

    def unregister(self):
        if is_own:  # the segment goes on counting in a metric that is made anew
            metric = self.choose(self.metrics)
            self.registry_of[metric].unregister(metric)
            self.metrics.remove(metric)

    def read(self):
        if not is_own:
            return None
        target = self.choose(self.metrics + self.children)
        if type(target).__name__ == 'Histogram':
            return [bucket.get() for bucket in target._buckets] + [target._sum.get()]
        if type(target).__name__ == 'Summary':
            return [target._count.get(), target._sum.get()]
        return target._value if type(target).__name__ in ('Info', 'Enum') else target._value.get()

    def forget(self):
        if is_own:  # the segment keeps what a program forgets in its own way
            metric = self.choose(self.metrics)
            if metric._labelnames:
                with metric._lock:
                    self.choose((metric._metrics.clear, lambda: setattr(metric, '_metrics', {})))()

    def collect(self):
        registry = self.registry
        mine = [metric for metric in registry.collect() if metric.name.startswith(self.prefix)
                and not metric.name.startswith(('python_', 'process_'))]
        mine += [metric for metric in registry.collect() if metric.name.startswith('ns_' + self.prefix) and
                 self.prefix]
        return [[metric.name, metric.type, metric.documentation, metric.unit,
                 ordered([s.name, sorted((k, v) for k, v in s.labels.items() if k != 'pid'), float(s.value),
                          list(s.exemplar[:2]) if s.exemplar else []]
                         for s in metric.samples if not s.name.endswith('_created'))] for metric in mine]

    def expose(self):
        encode = self.choose((p.generate_latest, openmetrics.generate_latest))
        text = encode(self.registry).decode() if is_own else ''
        lines = [line for line in text.splitlines() if '_created' not in line]
        return [re.sub('( # {.*} .*) .*', r'\1', line) for line in lines]  # without an exemplar's time

    def ask(self):
        metric = self.choose(self.metrics)
        ending = self.choose(('', '_total', '_count', '_sum', '_info'))
        labels = dict(zip(metric._labelnames, map(str, self.values_for(metric))))
        return self.registry.get_sample_value(metric._name + ending, labels)

    def restrict(self):
        name = self.prefix + self.choose(NAMES) + self.choose(('', '_total', '_count', '_sum', '_info', '_bucket'))
        return [[metric.name, len(metric.samples)] for metric in self.registry.restricted_registry([name]).collect()]

    def step(self):
        operation = self.choose((self.make, self.label, self.label, self.update, self.update, self.update, self.update,
                                 self.measure, self.exemplify, self.remove, self.remove_by_labels,
                                 self.clear, self.reset, self.ask, self.unregister, self.read, self.forget,
                                 self.collect, self.expose, self.restrict))
        if not self.metrics:
            operation = self.make
        try:
            result = operation()
        except Exception as why:
            text = str(why)
            # The names of duplicates stand in a set.
            result = [type(why).__name__, 'duplicates' if 'Duplicated' in text else text.replace('libmetrics.', '')]
        return [operation.__name__, result]


def ordered(samples):
    # The segment has its own order of series.
    return list(samples) if is_own else sorted(samples)


def records(seed):
    program = Program(seed)
    found = [program.step() for _ in range(150)]
    return [*found, ['at the end', program.collect()]]


first, seeds = int(sys.argv[3]), int(sys.argv[4])
json.dump({seed: [[name, json.loads(re.sub('libmetrics[.]', '', json.dumps(result)))] for name, result in records(seed)]
           for seed in range(first, first + seeds)}, sys.stdout)
