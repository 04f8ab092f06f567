"""A sample, and what may stand beside its value or in its place."""
from collections.abc import Sequence
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

    def __lt__(self, other):
        return (self.sec, self.nsec) < (other.sec, other.nsec)


class BucketSpan(NamedTuple):
    """A run of buckets of a native histogram: how many lie before it, and how many are in it."""

    offset: int
    length: int


class Exemplar(NamedTuple):
    labels: dict[str, str]
    value: float
    timestamp: float | Timestamp | None = None


class NativeHistogram(NamedTuple):
    """A histogram of exponential buckets, as one value."""

    count_value: float
    sum_value: float
    schema: int
    zero_threshold: float
    zero_count: float
    pos_spans: Sequence[BucketSpan] | None = None
    neg_spans: Sequence[BucketSpan] | None = None
    pos_deltas: Sequence[int] | None = None
    neg_deltas: Sequence[int] | None = None
    nh_exemplars: Sequence[Exemplar] | None = None


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float
    timestamp: float | Timestamp | None = None
    exemplar: Exemplar | None = None
    native_histogram: NativeHistogram | None = None
