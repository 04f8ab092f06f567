"""includes.py ROOT: fails if a source includes what its wing may not use.

The table is that of .github/CONTRIBUTING.md, which must show the same wings.
"""
from pathlib import Path
import re
import sys

# A folder, and what its files may include of ours beside their own folder. The first that fits
# counts.
FORMAT = 'libmetrics/format/'
READER = ('libmetrics/reader/', FORMAT)
MAY_USE = {
    FORMAT: (),
    'libmetrics/update/': (FORMAT,),
    'libmetrics/setup/': ('libmetrics/update/', FORMAT),
    'libmetrics/api/': ('libmetrics/setup/', 'libmetrics/update/', FORMAT),
    'libmetrics/reader/': (FORMAT,),
    'libmetrics/python/': READER,
    'libmetrics/examples/': (),
    'libmetrics/bamboo/': (),
    'libmetrics/include/': (),
    'aggregator/web/': (),
    'aggregator/dashboard/': (),
    'aggregator/http/': ('aggregator/web/',),
    'aggregator/exposition/': READER,
    'aggregator/scrape/': ('aggregator/exposition/', 'aggregator/log.h', 'aggregator/version.h', *READER),
    'aggregator/endpoints/': ('aggregator/scrape/', 'aggregator/exposition/', 'aggregator/http/',
                              'aggregator/web/', 'aggregator/dashboard/', *READER),
    'aggregator/': ('aggregator/', *READER),
    'tools/inspect/': ('aggregator/exposition/', 'aggregator/scrape/', 'aggregator/command_line.h', 'aggregator/log.h',
                       'aggregator/version.h', *READER),
}
# Folders that are no wings: what a stranger could have written, over the public headers alone.
NO_WINGS = {'libmetrics/examples/', 'libmetrics/bamboo/', 'libmetrics/include/'}
# The public headers are the ground floor: everybody may use them.
PUBLIC = 'metrics/'
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
# What the inspector shows was chosen by others, and goes through one file that makes it harmless.
PRINTS = re.compile(r'\b(v?f?printf|fwrite|f?puts|f?putc(har)?|cout|cerr|clog)\b')
PRINTER = 'tools/inspect/output.cpp'
# What only the library itself may see behind a handle.
HANDLE = re.compile(r'reinterpret_cast<[^>]*\b(setup|update|api)::')


def faults(root):
    seen = set()
    for folder in ('libmetrics', 'aggregator', 'tools/inspect'):
        for path in sorted((root / folder).rglob('*')):
            if path.suffix not in ('.h', '.hpp', '.cpp', '.c'):
                continue
            name = str(path.relative_to(root))
            wing = next((w for w in MAY_USE if name.startswith(w)), None)
            if wing is None:
                yield f'{name}: stands in no wing'
                continue
            seen.add(wing)
            text = path.read_text()
            for included in INCLUDE.findall(text):
                if not included.startswith((PUBLIC, wing, *MAY_USE[wing])):
                    yield f'{name}: {wing} may not use {included}'
            if wing == 'libmetrics/python/' and HANDLE.search(text):
                yield f'{name}: a binding looks behind a handle of the C ABI'
            if wing == 'tools/inspect/' and name != PRINTER and PRINTS.search(text):
                yield f'{name}: prints, which is what {PRINTER} is for'
    for wing in MAY_USE.keys() - seen:
        yield f'{wing}: no sources there'
    contributing = (root / '.github/CONTRIBUTING.md').read_text()
    for wing in MAY_USE.keys() - NO_WINGS:
        if f'`{wing}`' not in contributing:
            yield f'.github/CONTRIBUTING.md does not name {wing}'


def main():
    found = list(faults(Path(sys.argv[1])))
    print('\n'.join(found) or 'every source keeps to its wing')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
