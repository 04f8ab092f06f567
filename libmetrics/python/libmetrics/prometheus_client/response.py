"""Makes the HTTP response to a scrape of this process, for WSGI, ASGI and MetricsHandler."""
import gzip

from .openmetrics import exposition as openmetrics
from .text import CONTENT_TYPE_LATEST, generate_latest


def choose_encoder(accept_header):
    """Returns the encoder and the content type for an Accept header, which may be None."""
    for accepted in (accept_header or '').split(','):
        if accepted.split(';')[0].strip() == 'application/openmetrics-text':
            return openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest, CONTENT_TYPE_LATEST


def gzip_accepted(accept_encoding_header):
    """Returns whether an Accept-Encoding header, which may be None, has gzip."""
    return any(accepted.split(';')[0].strip().lower() == 'gzip'
               for accepted in (accept_encoding_header or '').split(','))


def bake_output(registry, accept_header, accept_encoding_header, params, disable_compression):
    """Returns the status line, headers and body."""
    encoder, content_type = choose_encoder(accept_header)
    if 'name[]' in params:
        registry = registry.restricted_registry(params['name[]'])
    output = encoder(registry)
    headers = [('Content-Type', content_type)]
    if not disable_compression and gzip_accepted(accept_encoding_header):
        output = gzip.compress(output)
        headers.append(('Content-Encoding', 'gzip'))
    return '200 OK', headers, output
