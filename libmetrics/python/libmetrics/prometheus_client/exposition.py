"""Exposes the segment from the process itself: text, WSGI and ASGI applications, a file, a push.

Scrape metrics-aggregator instead: it serves all processes' metrics whether or not a worker answers.
So nothing here listens on a port.
"""
from http.server import BaseHTTPRequestHandler
import os
import threading
from urllib.parse import parse_qs, urlparse

from libmetrics import _metrics, log

from .asgi import make_asgi_app
from .gateway import (
    basic_auth_handler as basic_auth_handler,
    default_handler as default_handler,
    delete_from_gateway,
    instance_ip_grouping_key,
    passthrough_redirect_handler as passthrough_redirect_handler,
    push_to_gateway,
    pushadd_to_gateway,
    tls_auth_handler as tls_auth_handler,
)
from .registry import REGISTRY
from .response import (
    bake_output as _bake_output,
    choose_encoder as choose_encoder,
    gzip_accepted as gzip_accepted,
)
from .text import CONTENT_TYPE_LATEST, generate_latest

__all__ = (
    'CONTENT_TYPE_LATEST', 'MetricsHandler', 'delete_from_gateway', 'generate_latest', 'instance_ip_grouping_key',
    'make_asgi_app', 'make_wsgi_app', 'push_to_gateway', 'pushadd_to_gateway', 'start_http_server',
    'start_wsgi_server', 'write_to_textfile',
)


def start_http_server(port, addr='0.0.0.0', registry=REGISTRY, *_, **__):
    """Listens nowhere, and logs that once.

    A worker that took the port could serve it only until the worker is replaced, the others would
    fail to take it, and metrics-aggregator could not start.
    """
    log.once('start_http_server',
             f'start_http_server({port!r}) listens nowhere: metrics-aggregator serves the metrics of all processes, '
             f'from {_metrics.segment_path()}')


start_wsgi_server = start_http_server


def make_wsgi_app(registry=REGISTRY, disable_compression=False):
    """Returns a WSGI application that answers with the registry's metrics, those of all
    processes."""
    def app(environ, start_response):
        if environ['PATH_INFO'] == '/favicon.ico':
            start_response('200 OK', [('', '')])
            return [b'']
        status, headers, output = _bake_output(
            registry, environ.get('HTTP_ACCEPT'), environ.get('HTTP_ACCEPT_ENCODING'),
            parse_qs(environ.get('QUERY_STRING', '')), disable_compression)
        start_response(status, headers)
        return [output]
    return app


class MetricsHandler(BaseHTTPRequestHandler):
    """Answers GET with the metrics of `registry`."""

    registry = REGISTRY

    def do_GET(self):
        _, headers, output = _bake_output(
            self.registry, self.headers.get('Accept'), self.headers.get('Accept-Encoding'),
            parse_qs(urlparse(self.path).query), False)
        self.send_response(200)
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(output)

    def log_message(self, format, *args):
        """Logs nothing."""

    @classmethod
    def factory(cls, registry):
        """Returns a handler class for another registry."""
        return type(cls.__name__, (cls,), {'registry': registry})


def write_to_textfile(path, registry):
    """Writes the registry's metrics to the file, for node_exporter: whole, or not at all."""
    temporary = f'{path}.{os.getpid()}.{threading.get_ident()}'
    with open(temporary, 'wb') as file:
        file.write(generate_latest(registry))
    os.replace(temporary, path)
