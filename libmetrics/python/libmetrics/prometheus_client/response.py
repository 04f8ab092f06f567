"""Makes the HTTP response to a scrape of this process, for WSGI, ASGI and MetricsHandler."""
from functools import partial
import gzip

from .openmetrics import exposition as openmetrics
from .openmetrics.escaping import SCHEMES, UNDERSCORES
from .text import CONTENT_TYPE_LATEST, CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from .utils import parse_version


def _parameter(parameters, name):
    for parameter in parameters:
        key, _, value = parameter.strip().partition('=')
        if key == name:
            return value
    return ''


def _get_version(parameters):
    """Returns the version in a media type's parameters; an empty string if there is none."""
    return _parameter(parameters, 'version')


def _get_escaping(parameters):
    """Returns the escaping scheme in a media type's parameters; the default if there is none, or no
    such scheme."""
    scheme = _parameter(parameters, openmetrics.ESCAPING_HEADER_TAG)
    return scheme if scheme in SCHEMES else UNDERSCORES


def _is_from_1_0_0(version):
    parts = parse_version(version)
    return isinstance(parts[0], int) and parts[0] >= 1


def choose_encoder(accept_header):
    """Returns the encoder and the content type for an Accept header, which may be None."""
    for accepted in (accept_header or '').split(','):
        parameters = accepted.split(';')
        media_type = parameters[0].strip()
        version, escaping = _get_version(parameters), _get_escaping(parameters)
        if media_type == 'application/openmetrics-text':
            if not version:
                return (partial(openmetrics.generate_latest, escaping=UNDERSCORES, version='1.0.0'),
                        openmetrics.CONTENT_TYPE_LATEST)
            if _is_from_1_0_0(version):
                return (partial(openmetrics.generate_latest, escaping=escaping, version=version),
                        f'application/openmetrics-text; version={version}; charset=utf-8; escaping={escaping}')
        elif media_type == 'text/plain' and version and _is_from_1_0_0(version):
            return partial(generate_latest, escaping=escaping), f'{CONTENT_TYPE_LATEST}; escaping={escaping}'
    return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


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
