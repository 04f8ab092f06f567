"""Measures a block of code or a function: each class is a context manager and a decorator.

As in prometheus_client, the result of a decorated function is not looked into: for a generator
function or a coroutine function the call is measured, not the code that runs later. The decorated
function has the signature of the original, also for tools that don't follow `__wrapped__`.
"""
from contextlib import suppress
from functools import wraps
import inspect
from timeit import default_timer


def _like(function, measured):
    """Makes the measured function look like the original."""
    measured = wraps(function)(measured)
    with suppress(TypeError, ValueError):  # a callable without a signature, such as some of C
        measured.__signature__ = inspect.signature(function)
    return measured


class _Decorator:
    def __call__(self, function):
        def measured(*args, **kwargs):
            with self:
                return function(*args, **kwargs)
        return _like(function, measured)


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


class Timer:
    """Passes the seconds that the block took to a method of the metric."""

    def __init__(self, metric, callback_name):
        self._metric = metric
        self._callback_name = callback_name

    def _new_timer(self):  # calls may overlap, and each has its own start
        return type(self)(self._metric, self._callback_name)

    def __enter__(self):
        self._start = default_timer()
        return self

    def __exit__(self, typ, value, traceback):
        duration = max(default_timer() - self._start, 0)
        getattr(self._metric, self._callback_name)(duration)

    def labels(self, *args, **kw):
        """Sets the label values while the block runs, for values that are known only then."""
        self._metric = self._metric.labels(*args, **kw)

    def __call__(self, function):
        def measured(*args, **kwargs):
            with self._new_timer():
                return function(*args, **kwargs)
        return _like(function, measured)
