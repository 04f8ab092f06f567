"""Exposes metrics from the process itself: text, WSGI and ASGI applications, a file, a push.

Scrape metrics-aggregator instead: it serves all processes' metrics whether or not a worker answers.
So nothing here listens on a port.
"""
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
import os
import threading
from urllib.parse import parse_qs, urlparse

from .asgi import make_asgi_app
from .gateway import (
    _escape_grouping_key as _escape_grouping_key,
    _PrometheusRedirectHandler as _PrometheusRedirectHandler,
    basic_auth_handler as basic_auth_handler,
    default_handler as default_handler,
    delete_from_gateway,
    instance_ip_grouping_key,
    passthrough_redirect_handler as passthrough_redirect_handler,
    push_to_gateway,
    pushadd_to_gateway,
    tls_auth_handler as tls_auth_handler,
)
from .http_server import ThreadingWSGIServer as ThreadingWSGIServer, start_wsgi_server
from .openmetrics.escaping import ALLOWUTF8
from .registry import REGISTRY
from .response import (
    _get_escaping as _get_escaping,
    _get_version as _get_version,
    bake_output as _bake_output,
    choose_encoder as choose_encoder,
    gzip_accepted as gzip_accepted,
)
from .text import CONTENT_TYPE_LATEST, CONTENT_TYPE_PLAIN_0_0_4, CONTENT_TYPE_PLAIN_1_0_0, generate_latest

__all__ = (
    'CONTENT_TYPE_LATEST', 'CONTENT_TYPE_PLAIN_0_0_4', 'CONTENT_TYPE_PLAIN_1_0_0', 'MetricsHandler',
    'delete_from_gateway', 'generate_latest', 'instance_ip_grouping_key', 'make_asgi_app', 'make_wsgi_app',
    'push_to_gateway', 'pushadd_to_gateway', 'start_http_server', 'start_wsgi_server', 'write_to_textfile',
)

start_http_server = start_wsgi_server

_ALLOWED = [('Allow', 'OPTIONS,GET')]


def make_wsgi_app(registry=REGISTRY, disable_compression=False):
    """Returns a WSGI application that answers GET with the registry's metrics."""
    def app(environ, start_response):
        method = environ.get('REQUEST_METHOD', 'GET')
        if method == 'OPTIONS':
            status, headers, output = '200 OK', _ALLOWED, b''
        elif method != 'GET':
            status, headers = '405 Method Not Allowed', _ALLOWED
            output = f'# HTTP {status}: {method}; use OPTIONS or GET\n'.encode()
        elif environ['PATH_INFO'] == '/favicon.ico':
            status, headers, output = '200 OK', [], b''
        else:
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


def write_to_textfile(path, registry, escaping=ALLOWUTF8, tmpdir=None):
    """Writes the registry's metrics to the file, for node_exporter: whole, or not at all. The
    temporary file is in `tmpdir`, which must be on the same file system, else beside the file."""
    beside = path if tmpdir is None else os.path.join(tmpdir, os.path.basename(path))
    temporary = f'{beside}.{os.getpid()}.{threading.get_ident()}'
    try:
        with open(temporary, 'wb') as file:
            file.write(generate_latest(registry, escaping))
        os.rename(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(temporary)
        raise
