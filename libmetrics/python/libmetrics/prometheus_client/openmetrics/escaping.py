"""Writes names that have other than the old characters: quoted, or with these characters replaced
as a scraper has asked for with `escaping=`."""
from ..validation import _is_valid_legacy_labelname, _is_valid_legacy_metric_name

ALLOWUTF8 = 'allow-utf-8'
UNDERSCORES = 'underscores'
DOTS = 'dots'
VALUES = 'values'

SCHEMES = (ALLOWUTF8, UNDERSCORES, DOTS, VALUES)

_FIRST = frozenset('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_')
_FURTHER = _FIRST | frozenset('0123456789')


def escaped_text(text):
    """Returns a label's value, or a quoted name, as it stands between quotation marks."""
    return text.replace('\\', r'\\').replace('\n', r'\n').replace('"', r'\"')


def _is_legacy_labelname_rune(rune, at):
    return rune in (_FURTHER if at > 0 else _FIRST)


def _is_legacy_metric_rune(rune, at):
    return rune == ':' or _is_legacy_labelname_rune(rune, at)


def _with_dots(rune, is_legacy):
    if rune == '_':
        return '__'
    if rune == '.':
        return '_dot_'
    return rune if is_legacy else '__'


def _with_values(rune, is_legacy):
    if rune == '_':
        return '__'
    if is_legacy:
        return rune
    return '_FFFD_' if '\ud800' <= rune <= '\udfff' else f'_{ord(rune):x}_'


def _escape(text, escaping, valid_rune_fn):
    """Returns the text in one of the schemes, which keep the runes that valid_rune_fn(rune, index)
    is true for."""
    if escaping == ALLOWUTF8:
        return escaped_text(text)
    valid = [(rune, valid_rune_fn(rune, at)) for at, rune in enumerate(text)]
    if escaping == UNDERSCORES:
        return ''.join(rune if is_legacy else '_' for rune, is_legacy in valid)
    if escaping == DOTS:
        return ''.join(_with_dots(*pair) for pair in valid)
    if escaping == VALUES:
        return 'U__' + ''.join(_with_values(*pair) for pair in valid)
    return text


def _escaped_name(name, escaping, is_legacy, valid_rune_fn):
    if not name or escaping not in SCHEMES or (is_legacy(name) and escaping != DOTS):
        return name
    escaped = _escape(name, escaping, valid_rune_fn)
    return f'"{escaped}"' if escaping == ALLOWUTF8 else escaped


def escape_metric_name(s, escaping=UNDERSCORES):
    """Returns a family's or sample's name, in quotation marks if it needs them."""
    return _escaped_name(s, escaping, _is_valid_legacy_metric_name, _is_legacy_metric_rune)


def escape_label_name(s, escaping=UNDERSCORES):
    """Returns a label's name, in quotation marks if it needs them."""
    return _escaped_name(s, escaping, _is_valid_legacy_labelname, _is_legacy_labelname_rune)


def sample_name_and_labels(name, labels, escaping):
    """Returns the beginning of a sample's line. A quoted name stands within the braces."""
    parts = [f'{escape_label_name(label, escaping)}="{escaped_text(value)}"' for label, value in sorted(labels.items())]
    escaped = escape_metric_name(name, escaping)
    if escaped.startswith('"'):
        parts.insert(0, escaped)
        escaped = ''
    return escaped + ('{' + ','.join(parts) + '}' if parts else '')
