"""The children of a metric with labels, by their label values, as programs find them in
`_metrics`."""


class Children(dict):
    """A dict of which the metric's labels() no longer finds what is taken out. The segment keeps
    the series: remove() and clear() of the metric remove them."""

    def __init__(self, metric, children=()):
        super().__init__(children)
        self._metric = metric

    def _forget(self, values):
        if len(values) == len(self._metric._labelnames):
            self._metric._forget(values)

    def __delitem__(self, values):
        super().__delitem__(values)
        self._forget(values)

    def pop(self, values, *default):
        """Takes a child out, as dict.pop() does."""
        child = super().pop(values, *default)
        self._forget(values)
        return child

    def popitem(self):
        """Takes the last child out, as dict.popitem() does."""
        values, child = super().popitem()
        self._forget(values)
        return values, child

    def clear(self):
        """Takes all children out."""
        super().clear()
        self._metric._forget_all()
