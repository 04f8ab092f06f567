"""Decides how the gauges of all processes become one sample.

The first of these that has a mode for the family decides:

1. the operator, by patterns of family names, of which the first match counts: in the environment
   variable METRICS_GAUGE_MODES ("engine_running_*=livesum,queue_depth=max"), then in the file that
   METRICS_GAUGE_MODES_FILE names (a line "pattern=mode" for each; "#" begins a comment);
2. the program, by `multiprocess_mode`;
3. BUILT_IN;
4. prometheus_client's default, "all".

Processes may decide differently: the mode of the one that has started last counts, and of what the
others have set, only the values of living processes.
"""
from fnmatch import fnmatchcase
from functools import cache
import os

from libmetrics import _metrics, log

# In the order of the C ABI's numbers.
MODES = _metrics.MODES

DEFAULT = 'all'

# Gauges that count what is going on, of programs that leave the mode to prometheus_client's
# default. The running processes and schedules of bamboo-engine are those of its living workers.
BUILT_IN = (
    ('engine_running_processes', 'livesum'),
    ('engine_running_schedules', 'livesum'),
)


def mode_for(name, given=None):
    """Returns the mode of the gauge family `name`; `given` is the program's choice, or None.

    Never raises: a rule that can't be parsed or a file that can't be read is logged once and
    skipped.
    """
    rules = _parsed(os.environ.get('METRICS_GAUGE_MODES', ''), 'METRICS_GAUGE_MODES')
    path = os.environ.get('METRICS_GAUGE_MODES_FILE')
    if path:
        rules += _read(path)
    return _first(rules, name) or given or _first(BUILT_IN, name) or DEFAULT


def _first(rules, name):
    for pattern, mode in rules:
        if fnmatchcase(name, pattern):
            return mode
    return None


@cache
def _parsed(text, where):
    rules = []
    for rule in text.replace('\n', ',').split(','):
        pattern, equals, mode = (part.strip() for part in rule.partition('='))
        if not pattern and not equals:
            continue
        if not pattern or mode not in MODES:
            log.warn((f'{where}: "{rule.strip()}" is ignored; write PATTERN=MODE with one of {", ".join(MODES)}',))
            continue
        rules.append((pattern, mode))
    return tuple(rules)


@cache
def _read(path):
    try:
        with open(path, encoding='utf-8') as file:
            lines = [line.partition('#')[0] for line in file]
    except (OSError, UnicodeDecodeError) as why:
        log.warn((f"METRICS_GAUGE_MODES_FILE can't be read, gauges keep their programs' modes: {why}",))
        return ()
    return _parsed('\n'.join(lines), path)
