"""Keeps the names that programs set up for prometheus_client's multiprocess mode; they change
nothing.

prometheus_client keeps each number in an object of the class `ValueClass`. Here all numbers are in
the shared segment.
"""


class MutexValue:
    _multiprocess = True


def MultiProcessValue(process_identifier=None):
    """Returns the only class. The kernel distinguishes processes, so process_identifier is
    ignored."""
    return MutexValue


def get_value_class():
    return MutexValue


ValueClass = MutexValue
