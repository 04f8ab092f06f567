"""Prometheus metrics of many processes in one shared segment.

`libmetrics.prometheus_client` has prometheus_client's API; `python -m libmetrics.run COMMAND` and
`import libmetrics.auto` make an unmodified program that imports prometheus_client use it. Importing
this package alone does nothing: the segment is joined when the first metric is made.
"""


def version():
    """Returns the version of the library, e.g. "0.1.0"."""
    from libmetrics import _metrics
    return _metrics.version()


def segment_path():
    """Returns the path of the segment that this process counts in; the first call joins or creates
    it."""
    from libmetrics import _metrics
    return _metrics.segment_path()


def segment_status():
    """Returns ("ok", "") while this process counts in slots of its own; else a status in lower-case
    words and a sentence with the reason."""
    from libmetrics import _metrics
    return _metrics.segment_status()
