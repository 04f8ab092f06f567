"""Pushes a registry's metrics to a Pushgateway: those of a program's own registry as this process
has counted them, those of the default registry with the values of all processes."""
from base64 import b64encode, urlsafe_b64encode
from contextlib import closing
import gzip
import socket
import ssl
from urllib.error import HTTPError
from urllib.parse import quote_plus
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from .registry import REGISTRY
from .text import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from .view import seen_by


class _PrometheusRedirectHandler(HTTPRedirectHandler):
    """Follows redirects with method and body unchanged, which urllib doesn't for PUT and POST."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if code not in (301, 302, 303, 307):
            raise HTTPError(req.full_url, code, msg, headers, fp)
        return Request(newurl.replace(' ', '%20'), data=req.data, headers=req.headers, method=req.get_method(),
                       origin_req_host=req.origin_req_host, unverifiable=True)


def _requesting(url, method, timeout, headers, data, *handlers):
    def request():
        response = build_opener(*handlers).open(
            Request(url, data=data, headers=dict(headers), method=method), timeout=timeout)
        if response.status >= 400:
            raise OSError(f'error talking to pushgateway: {response.status} {response.reason}')
    return request


def default_handler(url, method, timeout, headers, data):
    """Returns a function that makes the request, and raises OSError if that fails."""
    return _requesting(url, method, timeout, headers, data, HTTPHandler)


def passthrough_redirect_handler(url, method, timeout, headers, data):
    """Does as default_handler, and follows redirects."""
    return _requesting(url, method, timeout, headers, data, _PrometheusRedirectHandler)


def basic_auth_handler(url, method, timeout, headers, data, username=None, password=None):
    """Does as default_handler, with a user's name and password if both are given."""
    if username is not None and password is not None:
        token = b64encode(f'{username}:{password}'.encode()).decode()
        headers = [*headers, ('Authorization', 'Basic ' + token)]
    return default_handler(url, method, timeout, headers, data)


def tls_auth_handler(url, method, timeout, headers, data, certfile, keyfile, cafile=None,
                     protocol=ssl.PROTOCOL_TLS_CLIENT, insecure_skip_verify=False):
    """Does as default_handler, with a client's certificate."""
    context = ssl.SSLContext(protocol=protocol)
    if cafile is not None:
        context.load_verify_locations(cafile)
    else:
        context.load_default_certs()
    if insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(certfile=certfile, keyfile=keyfile)
    return _requesting(url, method, timeout, headers, data, HTTPSHandler(context=context))


def push_to_gateway(gateway, job, registry, grouping_key=None, timeout=30, handler=default_handler, compression=None):
    """Replaces all metrics of the job and grouping key by the registry's. Raises what the handler's
    function raises.

    compression: None, "gzip", or "snappy", which needs the package python-snappy (RuntimeError).
    ValueError: none of these.
    """
    _use_gateway('PUT', gateway, job, seen_by(registry), grouping_key, timeout, handler, compression)


def pushadd_to_gateway(gateway, job, registry, grouping_key=None, timeout=30, handler=default_handler,
                       compression=None):
    """Replaces the metrics of the same names of the job and grouping key; see push_to_gateway()."""
    _use_gateway('POST', gateway, job, seen_by(registry), grouping_key, timeout, handler, compression)


def delete_from_gateway(gateway, job, grouping_key=None, timeout=30, handler=default_handler):
    """Deletes the metrics of the job and grouping key."""
    _use_gateway('DELETE', gateway, job, None, grouping_key, timeout, handler)


def instance_ip_grouping_key():
    """Returns a grouping key with this host's address."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as connection:
        connection.connect(('localhost', 0))
        return {'instance': connection.getsockname()[0]}


def _use_gateway(method, gateway, job, registry, grouping_key, timeout, handler, compression=None):
    if not gateway.startswith(('http://', 'https://')):
        gateway = 'http://' + gateway
    pairs = [('job', job), *sorted((grouping_key or {}).items())]
    path = '/'.join('/'.join(_escape_grouping_key(str(name), str(value))) for name, value in pairs)
    data = b'' if method == 'DELETE' else generate_latest(REGISTRY if registry is None else registry)
    data, headers = _compressed(data, compression)
    handler(url=f'{gateway.rstrip("/")}/metrics/{path}', method=method, timeout=timeout,
            headers=[('Content-Type', CONTENT_TYPE_PLAIN_0_0_4), *headers], data=data)()


def _compressed(data, compression):
    """Returns the data, and the headers that say how it is compressed."""
    if compression is None:
        return data, []
    encoding = compression.lower()
    if encoding == 'gzip':
        return gzip.compress(data), [('Content-Encoding', 'gzip')]
    if encoding == 'snappy':
        try:
            from snappy import StreamCompressor  # type: ignore[import]
        except ImportError as why:
            raise RuntimeError('Snappy compression requires the python-snappy package to be installed.') from why
        return StreamCompressor().compress(data), [('Content-Encoding', 'snappy')]
    raise ValueError(f'Unsupported compression type: {compression}')


def _escape_grouping_key(name, value):
    """Returns a label's name and value as the Pushgateway spells them in a path, where a value can
    neither be empty nor have a slash in it, and a plus sign is no blank."""
    if value == '':
        return name + '@base64', '='
    if '/' in value or ' ' in value:
        return name + '@base64', urlsafe_b64encode(value.encode()).decode()
    return name, quote_plus(value)
