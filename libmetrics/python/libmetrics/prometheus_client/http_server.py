"""Stands in for the HTTP server that start_http_server() starts in prometheus_client."""
from socketserver import ThreadingMixIn
import threading
from wsgiref.simple_server import WSGIServer

from libmetrics import _metrics, log

from .registry import REGISTRY


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    """A WSGI server with a thread for each request, for programs that make one of their own."""

    daemon_threads = True


class _ServedElsewhere:
    """What a program does with the server of start_http_server() until its end. Listens nowhere."""

    def __init__(self, port, addr):
        self.server_port = port
        self.server_name = addr
        self.server_address = (addr, port)
        self._ended = threading.Event()

    def serve_forever(self, poll_interval=0.5):
        """Waits until shutdown()."""
        self._ended.wait()

    def shutdown(self):
        """Ends serve_forever() and the thread's join()."""
        self._ended.set()

    def server_close(self):
        """Does as shutdown()."""
        self.shutdown()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server_close()


class _Waiting(threading.Thread):
    """A thread that lives, as far as its program can see, until the server is shut down, for
    programs that join() it so as not to end. The system has no such thread: a child that is forked
    beside it would miss it."""

    def __init__(self, server):
        super().__init__(name='metrics-aggregator serves', daemon=True)
        self._server = server

    def start(self):
        """Does nothing."""

    def is_alive(self):
        """Returns True until the server is shut down."""
        return not self._server._ended.is_set()

    def join(self, timeout=None):
        """Waits until the server is shut down, or for the timeout in seconds."""
        self._server._ended.wait(timeout)


def start_wsgi_server(port, addr='0.0.0.0', registry=REGISTRY, *_, **__):
    """Listens nowhere, and logs that once. Returns what stands in for the server and its thread.

    A worker that took the port could serve it only until the worker is replaced, the others would
    fail to take it, and metrics-aggregator could not start.
    """
    log.once('start_http_server',
             f'start_http_server({port!r}) listens nowhere: metrics-aggregator serves the metrics of all processes, '
             f'from {_metrics.segment_path()}')
    server = _ServedElsewhere(port, addr)
    return server, _Waiting(server)
