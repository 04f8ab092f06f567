"""Checks names as prometheus_client 0.25 does: any UTF-8, or only the old characters if the program
or the environment variable PROMETHEUS_LEGACY_NAME_VALIDATION asks for that."""
import os
import re

METRIC_NAME_RE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*$')
METRIC_LABEL_NAME_RE = re.compile(r'^[a-zA-Z_][a-zA-Z0-9_]*$')
RESERVED_METRIC_LABEL_NAME_RE = re.compile(r'^__.*$')

_MOST_EXEMPLAR_CHARACTERS = 128


def _init_legacy_validation():
    return os.environ.get('PROMETHEUS_LEGACY_NAME_VALIDATION', 'False').lower() in ('true', '1', 't')


_legacy_validation = _init_legacy_validation()


def get_legacy_validation():
    """Returns whether names may have only the old characters."""
    return _legacy_validation


def disable_legacy_validation():
    """Allows any UTF-8 in names from now on."""
    global _legacy_validation
    _legacy_validation = False


def enable_legacy_validation():
    """Allows only the old characters in names from now on."""
    global _legacy_validation
    _legacy_validation = True


def _is_valid_legacy_metric_name(name):
    return METRIC_NAME_RE.match(name) is not None


def _is_valid_legacy_labelname(name):
    return METRIC_LABEL_NAME_RE.match(name) is not None and RESERVED_METRIC_LABEL_NAME_RE.match(name) is None


def _validate_metric_name(name):
    """Raises ValueError for a name that is empty, or that the legacy validation refuses."""
    if not name or (_legacy_validation and not METRIC_NAME_RE.match(name)):
        raise ValueError('Invalid metric name: ' + name)


def _validate_metric_label_name_token(token):
    """Raises ValueError for a label's name in an exposition, which must be quoted if it has other
    than the old characters."""
    quoted = len(token) > 1 and token[0] == token[-1] == '"'
    if not token or ((not quoted or _legacy_validation) and not METRIC_LABEL_NAME_RE.match(token)):
        raise ValueError('invalid label name token ' + token)


def _validate_labelname(name):
    """Raises ValueError for a name that begins with two underscores, or that the legacy validation
    refuses."""
    if _legacy_validation and not METRIC_LABEL_NAME_RE.match(name):
        raise ValueError('Invalid label metric name: ' + name)
    if RESERVED_METRIC_LABEL_NAME_RE.match(name):
        raise ValueError('Reserved label metric name: ' + name)


def _validate_labelnames(cls, labelnames):
    """Returns the names as a tuple. ValueError: one of them is not allowed."""
    names = tuple(labelnames)
    for name in names:
        _validate_labelname(name)
        if name in cls._reserved_labelnames:
            raise ValueError('Reserved label metric name: ' + name)
    return names


def _validate_exemplar(exemplar):
    """Raises ValueError for labels of an exemplar that are not allowed, or too long together."""
    runes = 0
    for name, value in exemplar.items():
        _validate_labelname(name)
        runes += len(name) + len(value)
    if runes > _MOST_EXEMPLAR_CHARACTERS:
        raise ValueError(f'Exemplar labels have {runes} UTF-8 characters, exceeding the limit of '
                         f'{_MOST_EXEMPLAR_CHARACTERS}')
