"""Measures a block of code or a function: each class is a context manager and a decorator.

As in prometheus_client, the result of a decorated function is not looked into: for a generator
function or a coroutine function the call is measured, not the code that runs later. The decorated
function has the signature of the original, also for tools that don't follow `__wrapped__`.
"""
from contextlib import suppress
from functools import wraps
import inspect

from libmetrics import _metrics


def _like(function, measured):
    """Makes the measured function look like the original."""
    measured = wraps(function)(measured)
    with suppress(TypeError, ValueError):  # a callable without a signature, such as some of C
        measured.__signature__ = inspect.signature(function)
    return measured


class _Decorator:
    def __call__(self, f):
        def measured(*args, **kwargs):
            with self:
                return f(*args, **kwargs)
        return _like(f, measured)


class ExceptionCounter(_Decorator):
    """Counts the exceptions of a type that leave the block."""

    def __init__(self, counter, exception):
        self._counter = counter
        self._exception = exception

    def __enter__(self):
        pass

    def __exit__(self, typ, value, traceback):
        if isinstance(value, self._exception):
            self._counter.inc()
        return False


class InprogressTracker(_Decorator):
    """Adds 1 to the gauge for as long as the block runs."""

    def __init__(self, gauge):
        self._gauge = gauge

    def __enter__(self):
        self._gauge.inc()

    def __exit__(self, typ, value, traceback):
        self._gauge.dec()


# Passes the seconds that the block took to a method of the metric: Timer(metric, callback_name).
Timer = _metrics.Timer


def _timed(timer, function):
    """Decorates a function with a timer. Calls may overlap, and each has a start of its own."""
    def measured(*args, **kwargs):
        with timer._new_timer():
            return function(*args, **kwargs)
    return _like(function, measured)


_metrics.set_decorate(_timed)
