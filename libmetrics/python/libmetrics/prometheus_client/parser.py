"""The parser of the text format, which is the installed prometheus_client's."""
from libmetrics import _upstream

_upstream.run(globals(), 'parser')
