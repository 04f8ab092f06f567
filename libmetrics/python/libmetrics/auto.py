"""Makes the program's prometheus_client count in the shared segment; import this before everything
else."""
from libmetrics._redirect import install

install()
