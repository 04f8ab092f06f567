"""Logs warnings to the logger "libmetrics".

What once() has logged is in the process's memory, so a forked child doesn't log it again.
"""
from contextlib import suppress
import logging

_logger = logging.getLogger('libmetrics')
_logged = set()


def once(key, text):
    """Logs the text as a warning, unless once() has logged one under that key before. Never
    raises."""
    if key not in _logged:
        _logged.add(key)
        warn((text,))


def warn(texts):
    """Logs each of the texts as a warning. `texts` may be None. Never raises: metrics don't break a
    program."""
    for text in texts or ():
        with suppress(Exception):
            _logger.warning('libmetrics: %s', text)
