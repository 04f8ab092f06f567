"""Writes numbers as an exposition has them."""
import math

INF = float('inf')
MINUS_INF = float('-inf')
NaN = float('nan')


def floatToGoString(d):
    """Returns the number as prometheus_client writes it: Go's spelling of infinities, and an
    exponent for positive numbers from a million on."""
    d = float(d)
    if math.isnan(d):
        return 'NaN'
    if math.isinf(d):
        return '+Inf' if d > 0 else '-Inf'
    text = repr(d)
    whole, dot, rest = text.partition('.')
    if d > 0 and dot and len(whole) > 6 and 'e' not in rest:
        mantissa = f'{whole[0]}.{whole[1:]}{rest}'.rstrip('0.')
        return f'{mantissa}e+{len(whole) - 1:02d}'
    return text


def parse_version(version_str):
    """Returns a version's parts in a tuple, with numbers as int, to compare with another."""
    return tuple(int(part) if part.isdecimal() else part for part in version_str.split('.'))
