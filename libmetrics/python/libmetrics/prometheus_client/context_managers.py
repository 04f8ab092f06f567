"""Measures a block of code or a function: each class is a context manager and a decorator.

As in prometheus_client 0.16, the result of a decorated function is not looked into: for a generator
function or a coroutine function the call is measured, not the code that runs later.
"""
from functools import wraps
from timeit import default_timer


class _Decorator:
    def _entered_anew(self):
        """Returns the context manager for one call of a decorated function."""
        return self

    def __call__(self, function):
        @wraps(function)
        def measured(*args, **kwargs):
            with self._entered_anew():
                return function(*args, **kwargs)
        return measured


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


class Timer(_Decorator):
    """Passes the seconds that the block took to a method of the metric."""

    def __init__(self, metric, callback_name):
        self._metric = metric
        self._callback_name = callback_name

    def _entered_anew(self):  # calls may overlap, and each has its own start
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
