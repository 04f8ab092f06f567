from collections.abc import Sequence
from typing import TypeAlias

from .samples import Exemplar as Exemplar, NativeHistogram as NativeHistogram, Sample as Sample, Timestamp as Timestamp

METRIC_TYPES: tuple[str, ...]
_Time: TypeAlias = Timestamp | float | None
_Buckets: TypeAlias = Sequence[tuple[str, float] | tuple[str, float, Exemplar]]

class Metric:
    name: str
    documentation: str
    unit: str
    type: str
    samples: list[Sample]
    def __init__(self, name: str, documentation: str, typ: str, unit: str = "") -> None: ...
    def add_sample(
        self,
        name: str,
        labels: dict[str, str],
        value: float,
        timestamp: _Time = None,
        exemplar: Exemplar | None = None,
        native_histogram: NativeHistogram | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...

class UnknownMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None: ...
    def add_metric(self, labels: Sequence[str], value: float, timestamp: _Time = None) -> None: ...

UntypedMetricFamily = UnknownMetricFamily

class CounterMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        value: float | None = None,
        labels: Sequence[str] | None = None,
        created: float | None = None,
        unit: str = "",
        exemplar: Exemplar | None = None,
    ) -> None: ...
    def add_metric(
        self,
        labels: Sequence[str],
        value: float,
        created: float | None = None,
        timestamp: _Time = None,
        exemplar: Exemplar | None = None,
    ) -> None: ...

class GaugeMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None: ...
    def add_metric(self, labels: Sequence[str], value: float, timestamp: _Time = None) -> None: ...

class SummaryMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        count_value: int | None = None,
        sum_value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None: ...
    def add_metric(
        self, labels: Sequence[str], count_value: int, sum_value: float, timestamp: _Time = None
    ) -> None: ...

class HistogramMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: _Buckets | None = None,
        sum_value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None: ...
    def add_metric(
        self, labels: Sequence[str], buckets: _Buckets, sum_value: float | None, timestamp: _Time = None
    ) -> None: ...

class GaugeHistogramMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[tuple[str, float]] | None = None,
        gsum_value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None: ...
    def add_metric(
        self,
        labels: Sequence[str],
        buckets: Sequence[tuple[str, float]],
        gsum_value: float | None,
        timestamp: _Time = None,
    ) -> None: ...

class InfoMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        value: dict[str, str] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None: ...
    def add_metric(self, labels: Sequence[str], value: dict[str, str], timestamp: _Time = None) -> None: ...

class StateSetMetricFamily(Metric):
    def __init__(
        self,
        name: str,
        documentation: str,
        value: dict[str, bool] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None: ...
    def add_metric(self, labels: Sequence[str], value: dict[str, bool], timestamp: _Time = None) -> None: ...
