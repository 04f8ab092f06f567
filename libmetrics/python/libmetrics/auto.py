"""Import this before everything else, and the program's prometheus_client counts in the shared
segment."""
from libmetrics._redirect import install

install()
