from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
import threading
from typing import Any, Literal, TypeAlias
from wsgiref.simple_server import WSGIServer

from .registry import Collector

CONTENT_TYPE_LATEST: str
CONTENT_TYPE_PLAIN_0_0_4: str
CONTENT_TYPE_PLAIN_1_0_0: str

_Compression: TypeAlias = Literal["gzip", "snappy"] | None
_Handler: TypeAlias = Callable[..., Callable[[], None]]

class MetricsHandler(BaseHTTPRequestHandler):
    registry: Collector
    def do_GET(self) -> None: ...
    @classmethod
    def factory(cls, registry: Collector) -> type: ...

class ThreadingWSGIServer(WSGIServer):
    daemon_threads: bool

def generate_latest(registry: Collector = ..., escaping: str = ...) -> bytes: ...
def choose_encoder(accept_header: str | None) -> tuple[Callable[[Collector], bytes], str]: ...
def gzip_accepted(accept_encoding_header: str | None) -> bool: ...
def make_wsgi_app(registry: Collector = ..., disable_compression: bool = False) -> Callable[..., Any]: ...
def make_asgi_app(registry: Collector = ..., disable_compression: bool = False) -> Callable[..., Any]: ...
def start_wsgi_server(
    port: int,
    addr: str = "0.0.0.0",
    registry: Collector = ...,
    certfile: str | None = None,
    keyfile: str | None = None,
    client_cafile: str | None = None,
    client_capath: str | None = None,
    protocol: int = ...,
    client_auth_required: bool = False,
) -> tuple[WSGIServer, threading.Thread]: ...

start_http_server = start_wsgi_server

def write_to_textfile(path: str, registry: Collector, escaping: str = ..., tmpdir: str | None = None) -> None: ...
def push_to_gateway(
    gateway: str,
    job: str,
    registry: Collector,
    grouping_key: dict[str, Any] | None = None,
    timeout: float | None = 30,
    handler: _Handler = ...,
    compression: _Compression = None,
) -> None: ...
def pushadd_to_gateway(
    gateway: str,
    job: str,
    registry: Collector | None,
    grouping_key: dict[str, Any] | None = None,
    timeout: float | None = 30,
    handler: _Handler = ...,
    compression: _Compression = None,
) -> None: ...
def delete_from_gateway(
    gateway: str,
    job: str,
    grouping_key: dict[str, Any] | None = None,
    timeout: float | None = 30,
    handler: _Handler = ...,
) -> None: ...
def instance_ip_grouping_key() -> dict[str, Any]: ...
def default_handler(
    url: str, method: str, timeout: float | None, headers: Sequence[tuple[str, str]], data: bytes
) -> Callable[[], None]: ...
def passthrough_redirect_handler(
    url: str, method: str, timeout: float | None, headers: Sequence[tuple[str, str]], data: bytes
) -> Callable[[], None]: ...
def basic_auth_handler(
    url: str,
    method: str,
    timeout: float | None,
    headers: Sequence[tuple[str, str]],
    data: bytes,
    username: str | None = None,
    password: str | None = None,
) -> Callable[[], None]: ...
def tls_auth_handler(
    url: str,
    method: str,
    timeout: float | None,
    headers: Sequence[tuple[str, str]],
    data: bytes,
    certfile: str,
    keyfile: str,
    cafile: str | None = None,
    protocol: int = ...,
    insecure_skip_verify: bool = False,
) -> Callable[[], None]: ...
