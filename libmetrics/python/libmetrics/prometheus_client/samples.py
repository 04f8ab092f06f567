"""A sample, and what may stand beside its value."""
from typing import NamedTuple


class Timestamp:
    """Seconds and nanoseconds since the Unix epoch.

    ValueError: the nanoseconds are negative, or 1e9 or more.
    """

    def __init__(self, sec, nsec):
        if not 0 <= nsec < 1e9:
            raise ValueError(f'Invalid value for nanoseconds in Timestamp: {nsec}')
        self.sec = int(sec)
        self.nsec = int(-nsec if sec < 0 else nsec)

    def __str__(self):
        return f'{self.sec}.{self.nsec:09d}'

    def __repr__(self):
        return f'Timestamp({self.sec}, {self.nsec})'

    def __float__(self):
        return self.sec + self.nsec / 1e9

    def __eq__(self, other):
        return isinstance(other, Timestamp) and (self.sec, self.nsec) == (other.sec, other.nsec)

    def __hash__(self):
        return hash((self.sec, self.nsec))

    def __gt__(self, other):
        return (self.sec, self.nsec) > (other.sec, other.nsec)


class Exemplar(NamedTuple):
    labels: dict[str, str]
    value: float
    timestamp: float | Timestamp | None = None


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float
    timestamp: float | Timestamp | None = None
    exemplar: Exemplar | None = None
