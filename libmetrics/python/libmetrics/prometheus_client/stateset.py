"""Enum: which of several states something is in, OpenMetrics' stateset."""
from libmetrics import _metrics, gauge_modes

from .definition import _native
from .registry import REGISTRY
from .samples import Sample
from .wrapper import MetricWrapperBase, librarys


@librarys
class Enum(MetricWrapperBase, _metrics.StateSet):
    """Which of several states something is in: a gauge for each, 1 or 0, labelled with the state.

        STATE = Enum('task_state', 'What it does.', states=['starting', 'running', 'stopped'])
        STATE.state('running')

    Each process has its own; `multiprocess_mode`, which prometheus_client does not have here,
    decides what is shown, unless an operator has chosen another mode; see libmetrics.gauge_modes.
    `mostrecent`, the default: the state that any process has set last, whether or not it still
    lives; `livemostrecent`: that a living one has set last; `all` and `liveall`: each process's,
    with its pid; `livesum`: a gauge, how many living processes are in each state.

    Making the metric sets the first state, unless one is shown already, or the mode is `livesum`: a
    process that has set none is in none.

    ValueError: there are no states, a label has the metric's name, or it is not one of these modes.
    """

    _type = _native_type = 'stateset'
    _MODES = ('mostrecent', 'livemostrecent', 'all', 'liveall', 'livesum')
    _OF_FAMILY = (*MetricWrapperBase._OF_FAMILY, '_states', '_distinct', '_multiprocess_mode')

    def __init__(self, name, documentation, labelnames=(), namespace='', subsystem='', unit='', registry=REGISTRY,
                 _labelvalues=None, states=None, *, multiprocess_mode='mostrecent', max_series=None):
        labelnames = tuple(labelnames)
        if name in labelnames:
            raise ValueError(f'Overlapping labels for Enum metric: {name}')
        if not states:
            raise ValueError(f'No states provided for Enum metric: {name}')
        if multiprocess_mode not in self._MODES:
            raise ValueError(f'Invalid multiprocess mode: {multiprocess_mode}')
        self._states = states
        self._distinct = tuple(dict.fromkeys(map(_native, states)))
        self._multiprocess_mode = multiprocess_mode
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, _labelvalues,
                         max_series=max_series)
        self._kwargs['states'] = states
        if multiprocess_mode != 'mostrecent':
            self._kwargs['multiprocess_mode'] = multiprocess_mode

    def _define(self, documentation):
        chosen = gauge_modes.mode_for(self._name, self._multiprocess_mode)
        if chosen in self._MODES:
            self._multiprocess_mode = chosen
        return self._family(self._name, documentation, self._labelnames, self._max_series,
                            gauge_modes.MODES.index(self._multiprocess_mode), self._distinct)

    def _begin(self, parent, labelvalues):
        super()._begin(parent, labelvalues)
        self._begin_state(labelvalues)

    def _begin_state(self, labelvalues):
        if self._multiprocess_mode in ('all', 'liveall'):
            begins = self._own_state() is None
        else:
            begins = self._multiprocess_mode != 'livesum' and not self._in_segment(labelvalues)
        if begins:
            self._set(0)

    def _metric_init(self):
        self._value = 0

    def _native_labelnames(self):
        names = {*self._labelnames, self._name}
        return lambda keys: keys - {'pid'} == names - {'pid'}

    def state(self, state):
        """Sets the state. ValueError: not one of the states, or label values are missing."""
        self._raise_if_not_observable()
        if state not in self._states:
            raise ValueError(f'{state!r} is not in list')
        self._value = self._states.index(state)
        self._set(self._distinct.index(_native(state)))

    def _child_samples(self):
        return tuple(Sample('', {self._name: state}, 1 if at == self._value else 0)
                     for at, state in enumerate(self._states))

    def _begin_family_anew(self):
        super()._begin_family_anew()
        if not self._is_parent():
            self._begin_state(())
