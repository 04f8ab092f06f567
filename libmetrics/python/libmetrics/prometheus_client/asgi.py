"""Serves the metrics as an ASGI application."""
from urllib.parse import parse_qs

from .registry import REGISTRY
from .response import bake_output


def make_asgi_app(registry=REGISTRY, disable_compression=False):
    """Returns an ASGI application that answers with the registry's metrics."""
    async def app(scope, receive, send):
        assert scope.get('type') == 'http'

        def header(name):
            return ','.join(value.decode() for key, value in scope.get('headers') if key.lower() == name)

        params = parse_qs(scope.get('query_string', b'').decode())
        _, headers, output = bake_output(registry, header(b'accept'), header(b'accept-encoding'), params,
                                         disable_compression)
        if (await receive()).get('type') == 'http.request':
            await send({'type': 'http.response.start', 'status': 200,
                        'headers': [(name.encode(), value.encode()) for name, value in headers]})
            await send({'type': 'http.response.body', 'body': output})
    return app
