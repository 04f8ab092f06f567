"""What the package has to say goes to the logger "libmetrics", each thing once in a process.

A forked child has what its parent said in its memory, and doesn't say it again.
"""
from contextlib import suppress
import logging

_logger = logging.getLogger('libmetrics')
_said = set()


def once(key, text):
    """Logs the text as a warning, unless something was logged under that key before. Never
    raises."""
    if key not in _said:
        _said.add(key)
        tell((text,))


def tell(texts):
    """Logs each of the texts as a warning. `texts` may be None. Never raises: metrics don't break a
    program."""
    for text in texts or ():
        with suppress(Exception):
            _logger.warning('libmetrics: %s', text)
