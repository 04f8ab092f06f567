"""compile.py ROOT C++-COMPILER C-COMPILER: the documents' examples compile as they stand.

The blocks of a page follow each other: each may use what those before it have declared, or declare
it anew. What they call of the reader's own program is declared in the prelude.
"""
from pathlib import Path
import re
import subprocess
import sys
import tempfile

# libmetrics/bamboo/README.md sketches an engine that stands in libmetrics/examples/engine.
PAGES = ('README.md', *(f'libmetrics/docs/{page}.md' for page in ('cpp', 'exemplars', 'gauges', 'native')))
PRELUDE = {
    'cpp': '#include <cassert>\n#include <cstdio>\n#include <metrics/metrics.hpp>\n'
           'bool resize();\nbool fork_worker();\nvoid resize_next_image();\n',
    'c': '#include <metrics/metrics.h>\n#include <stdio.h>\nvoid resize(void);\n',
}
SIGNATURE = {'cpp': 'void page() {', 'c': 'void page(void) {'}


def program(blocks, language):
    """The blocks as one program; one that has a main() is a program by itself."""
    includes = [line for block in blocks for line in block.splitlines() if line.startswith('#include')]
    bodies = ['\n'.join(line for line in block.splitlines() if not line.startswith('#include')) for block in blocks]
    text = PRELUDE[language] + '\n'.join(includes) + '\n'
    whole = [body for body in bodies if re.search(r'^int main\(', body, re.M)]
    rest = [body for body in bodies if body not in whole]
    page = SIGNATURE[language] + '\n{'.join(['', *rest]) + '\n' + '}' * len(rest) + '}\n'
    return text + '\n'.join(whole) + '\n' + page


def main():
    root, cxx, cc = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    compilers = {'cpp': [cxx, '-std=c++20', '-xc++'], 'c': [cc, '-std=c11', '-xc']}
    failed = 0
    for page in PAGES:
        text = (root / page).read_text()
        for language, command in compilers.items():
            blocks = re.findall(rf'^```{language}\n(.*?)^```$', text, re.M | re.S)
            if not blocks:
                if language == 'cpp':
                    failed += 1
                    print(f'{page}: there is no block of C++')
                continue
            with tempfile.NamedTemporaryFile('w', suffix=f'.{language}') as source:
                source.write(program(blocks, language))
                source.flush()
                done = subprocess.run([*command, '-fsyntax-only', f'-I{root}/libmetrics/include', source.name],
                                      capture_output=True, text=True)
            if done.returncode != 0:
                failed += 1
                print(f'{page}: its {language} blocks do not compile:\n{done.stderr}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
