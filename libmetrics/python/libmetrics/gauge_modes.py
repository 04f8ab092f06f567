"""How the gauges of all processes become one sample: who decides.

In this order: the operator, by family name, in the environment variable METRICS_GAUGE_MODES
("engine_running_*=livesum,queue_depth=max") or in the file that METRICS_GAUGE_MODES_FILE names (a
line "pattern=mode" for each; "#" begins a comment), the first pattern that matches, the variable
before the file; then the program, by `multiprocess_mode`; then BUILT_IN; then prometheus_client's
default, "all".

All processes must decide alike: a family has one mode in a segment, and who comes with another one
is refused.
"""
from fnmatch import fnmatchcase
from functools import cache
import os

from libmetrics import log

# In the C ABI's order, by which they are numbered there.
MODES = ('all', 'liveall', 'sum', 'livesum', 'min', 'livemin', 'max', 'livemax', 'mostrecent', 'livemostrecent')

DEFAULT = 'all'

# Programs whose gauges are known to count what is going on, and that leave the mode to
# prometheus_client's default: the running processes and schedules of bamboo-engine are those of the
# workers that live.
BUILT_IN = (
    ('engine_running_processes', 'livesum'),
    ('engine_running_schedules', 'livesum'),
)


def mode_for(name, given=None):
    """The mode of the gauge family `name`; `given` is what the program says, or None. Never raises:
    what can't be understood or read is said once, and skipped."""
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
            log.tell((f'{where}: "{rule.strip()}" is ignored; write PATTERN=MODE with one of {", ".join(MODES)}',))
            continue
        rules.append((pattern, mode))
    return tuple(rules)


@cache
def _read(path):
    try:
        with open(path, encoding='utf-8') as file:
            lines = [line.partition('#')[0] for line in file]
    except (OSError, UnicodeDecodeError) as why:
        log.tell((f"METRICS_GAUGE_MODES_FILE can't be read, gauges keep their programs' modes: {why}",))
        return ()
    return _parsed('\n'.join(lines), path)
