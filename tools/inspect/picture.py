"""picture.py [--build DIRECTORY] [FILE]: draws metrics-inspect top, as a terminal shows it, to FILE
(top.svg beside this program). Runs the prefork example in a segment of its own, and top in tmux,
whose capture it draws.
"""
import argparse
import html
import os
from pathlib import Path
import re
import subprocess
import tempfile
import time
import unicodedata

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 110, 20
CELL, LINE, MARGIN = 8.4, 18, 10  # pixels
COLOURS = {75: "#5fafff", 208: "#ff8700"}
TEXT, GROUND = "#d0d0d0", "#1c1c1c"
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


class Look:
    """How text looks: what the escape sequences of a capture have set so far."""

    def __init__(self):
        self.bold = self.dim = self.reverse = False
        self.colour = TEXT

    def take(self, codes):
        numbers = [int(code or 0) for code in codes.split(";")]
        while numbers:
            code = numbers.pop(0)
            if code == 0:
                self.__init__()
            elif code in (38, 48) and numbers[:1] == [5]:
                colour = COLOURS.get(numbers[1], TEXT)
                del numbers[:2]
                if code == 38:
                    self.colour = colour
            elif code == 39:
                self.colour = TEXT
            elif code == 22:
                self.bold = self.dim = False
            elif code in (1, 2, 7, 27):
                self.bold, self.dim = self.bold or code == 1, self.dim or code == 2
                self.reverse = code == 7 or (self.reverse and code != 27)

    def drawn(self, column, row, text):
        """SVG of the text there."""
        x, y = MARGIN + column * CELL, MARGIN + row * LINE
        wide = len(text) * CELL
        box = ""
        if self.reverse:
            box = f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{LINE}" fill="{self.colour}"/>'
        if not text.strip():
            return box
        style = f'fill="{GROUND if self.reverse else self.colour}"'
        style += ' font-weight="bold"' if self.bold else ""
        style += ' opacity="0.65"' if self.dim else ""
        return (f'{box}<text x="{x:.1f}" y="{y + 13}" textLength="{wide:.1f}" xml:space="preserve" {style}>'
                f"{html.escape(text)}</text>")


def svg_of(capture):
    look, drawn = Look(), []
    for row, line in enumerate(capture.rstrip("\n").split("\n")):
        column = 0
        for i, part in enumerate(ESCAPE.split(line)):
            if i % 2:
                look.take(part)
            elif part:
                drawn.append(look.drawn(column, row, part))
                column += sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in part)
    width, height = 2 * MARGIN + WIDTH * CELL, 2 * MARGIN + HEIGHT * LINE
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
            f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">\n'
            f'<title>metrics-inspect top</title>\n<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>\n'
            + "\n".join(filter(None, drawn)) + "\n</svg>\n")


def captured(build, directory):
    """What a terminal shows after some seconds, with its escape sequences."""
    segment = os.path.join(directory, "workers")
    environment = {**os.environ, "METRICS_SEGMENT": segment, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
    environment.pop("TMUX", None)

    def tmux(*words):
        return subprocess.run(["tmux", "-S", os.path.join(directory, "tmux"), "-f", "/dev/null", *words], check=True,
                              capture_output=True, text=True, env=environment).stdout

    inspect = os.path.abspath(os.path.join(build, "tools", "metrics-inspect"))
    with subprocess.Popen([os.path.join(build, "libmetrics", "examples", "prefork"), "/usr/share/doc", "3"],
                          env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as prefork:
        try:
            while not os.path.exists(segment + ".v2"):
                time.sleep(0.05)
            tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), f"cd {directory} && exec {inspect} top")
            tmux("set-option", "-g", "default-terminal", "tmux-256color")
            tmux("send-keys", "Enter")
            time.sleep(8)
            return tmux("capture-pane", "-p", "-e").replace(directory, "/dev/shm/app")
        finally:
            prefork.terminate()
            subprocess.run(["tmux", "-S", os.path.join(directory, "tmux"), "kill-server"], capture_output=True,
                           check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=ROOT / "build")
    parser.add_argument("file", nargs="?", default=Path(__file__).parent / "top.svg")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="app.", dir="/dev/shm") as directory:
        drawing = svg_of(captured(given.build, directory))
    Path(given.file).write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
