"""Decides whose values the default registry shows to the function that asks for its text.

All processes', to be scraped at whichever of them. But a reporter that runs in each worker, and
whose receiver adds up what the workers send, must send this process's alone: else each count
arrives as often as there are workers. The first of these decides:

1. the operator: METRICS_PYTHON_VIEW=process shows this process, METRICS_PYTHON_VIEW=all shows all;
2. REPORTERS: programs that are known to report from each worker.
"""
import os
import sys

from libmetrics import log

# Packages whose calls of generate_latest() are reports of one worker. bk-monitor-report starts a
# thread in each worker of a server or of Celery, and sends all of them under one target.
REPORTERS = ('bk_monitor_report',)

_VIEWS = ('all', 'process')


def shows_all(caller):
    """Returns whether the default registry shows all processes to code of the module `caller`."""
    view = os.environ.get('METRICS_PYTHON_VIEW', '')
    if view in _VIEWS:
        return view == 'all'
    if view:
        log.once('METRICS_PYTHON_VIEW', f'METRICS_PYTHON_VIEW={view} is ignored; write one of {", ".join(_VIEWS)}')
    return caller.partition('.')[0] not in REPORTERS


class _ThisProcess:
    def __init__(self, registry):
        self._registry = registry

    def collect(self):
        return self._registry._collect(shows_all=False)


def seen_by(registry, depth=2):
    """Returns the registry, or what stands for it where its values of this process are wanted. The
    function that asks is `depth` calls above this one."""
    if not getattr(registry, '_shows_all', False):
        return registry
    caller = sys._getframe(depth).f_globals.get('__name__') or ''
    return registry if shows_all(caller) else _ThisProcess(registry)
