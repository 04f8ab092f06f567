from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from .context_managers import ExceptionCounter, InprogressTracker, Timer
from .metrics_core import Metric
from .registry import Collector, CollectorRegistry
from .samples import Sample

_M = TypeVar("_M", bound=MetricWrapperBase)
_Mode: TypeAlias = Literal[
    "all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent"
]

def disable_created_metrics() -> None: ...
def enable_created_metrics() -> None: ...

class MetricWrapperBase(Collector):
    _name: str
    _documentation: str
    _labelnames: tuple[str, ...]
    _labelvalues: tuple[str, ...]
    _unit: str
    _kwargs: dict[str, Any]
    _metrics: dict[Sequence[str], Any]
    _lock: Any
    _type: str | None
    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = ...,
        _labelvalues: Sequence[str] | None = None,
        *,
        max_series: int | None = None,
        exemplars: bool = False,
    ) -> None: ...
    def labels(self: _M, *labelvalues: Any, **labelkwargs: Any) -> _M: ...
    def remove(self, *labelvalues: Any) -> None: ...
    def remove_by_labels(self, labels: dict[str, str]) -> None: ...
    def clear(self) -> None: ...
    def describe(self) -> Iterable[Metric]: ...
    def collect(self) -> Iterable[Metric]: ...
    def _samples(self) -> Iterable[Sample]: ...
    def _child_samples(self) -> Iterable[Sample]: ...
    def _multi_samples(self) -> Iterable[Sample]: ...
    def _metric_init(self) -> None: ...

class Counter(MetricWrapperBase):
    _value: Any
    _created: float
    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None: ...
    def reset(self) -> None: ...
    def count_exceptions(
        self, exception: type[BaseException] | tuple[type[BaseException], ...] = ...
    ) -> ExceptionCounter: ...

class Gauge(MetricWrapperBase):
    _value: Any
    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = ...,
        _labelvalues: Sequence[str] | None = None,
        multiprocess_mode: _Mode | None = None,
        *,
        max_series: int | None = None,
    ) -> None: ...
    def inc(self, amount: float = 1) -> None: ...
    def dec(self, amount: float = 1) -> None: ...
    def set(self, value: float) -> None: ...
    def set_to_current_time(self) -> None: ...
    def track_inprogress(self) -> InprogressTracker: ...
    def time(self) -> Timer: ...
    def set_function(self, f: Callable[[], float]) -> None: ...

class Summary(MetricWrapperBase):
    _count: Any
    _sum: Any
    _created: float
    def observe(self, amount: float) -> None: ...
    def time(self) -> Timer: ...

class Histogram(MetricWrapperBase):
    DEFAULT_BUCKETS: Sequence[float]
    _upper_bounds: list[float]
    _buckets: Any  # one for each upper bound
    _sum: Any
    _created: float
    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = ...,
        _labelvalues: Sequence[str] | None = None,
        buckets: Sequence[float | str] = ...,
        *,
        max_series: int | None = None,
        native: bool | dict[str, float] | None = None,
        exemplars: bool = False,
    ) -> None: ...
    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None: ...
    def time(self) -> Timer: ...

class Info(MetricWrapperBase):
    def info(self, val: dict[str, str]) -> None: ...

class Enum(MetricWrapperBase):
    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = ...,
        _labelvalues: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        *,
        multiprocess_mode: _Mode = "mostrecent",
        max_series: int | None = None,
    ) -> None: ...
    def state(self, state: str) -> None: ...
