"""The manual pages, held against the programs and the library."""
import os
from pathlib import Path
import re
import shutil
import subprocess

import pytest

from programs import PACKAGE, PROGRAMS, all_flags_of, commands_of
from workers import BUILD

MAN = PACKAGE / "man"
SECTION = {"metrics-aggregator": 8, "metrics-inspect": 1}
PAGES = sorted(path.stem for path in MAN.glob("*.scd"))
HEADER = PACKAGE.parents[1] / "libmetrics/include/metrics/metrics.h"
OPERATING = PACKAGE.parents[1] / "aggregator/docs/operating.md"


def page_of(program):
    return (MAN / f"{program}.{SECTION[program]}.scd").read_text()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_page_has_the_flags_of_its_program_and_no_others(program):
    described = re.findall(r"^\t?(?:\*-\w\*, )?\*(--[a-z][a-z.-]*)\*", page_of(program), re.M)
    assert sorted(described) == sorted(all_flags_of(program)), "each once"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_page_has_the_commands_of_its_program_and_no_others(program):
    assert re.findall(r"^\*([a-z]+)\*", page_of(program), re.M) == commands_of(program)


def test_the_page_of_the_library_names_what_the_header_declares():
    declared = set(re.findall(r"\b(metrics_\w+)\(", HEADER.read_text()))
    named = set(re.findall(r"\b(metrics_\w+)\b(?=\*|\()", (MAN / "metrics.3.scd").read_text()))
    assert named
    assert named <= declared


def test_the_page_of_the_segment_has_the_variables_of_the_header_and_of_the_handbook():
    variables = set(re.findall(r"\$(METRICS_\w+)", HEADER.read_text()))
    variables |= set(re.findall(r"^\| `(METRICS_\w+)` \|", OPERATING.read_text(), re.M))
    assert set(re.findall(r"^_(METRICS_\w+)_$", (MAN / "metrics-segment.5.scd").read_text(), re.M)) == variables


@pytest.mark.parametrize("page", PAGES)
def test_a_page_refers_to_pages_that_are_there(page):
    ours = {p.rpartition(".")[0] for p in PAGES}
    for name, section in re.findall(r"\*([a-z_-]+)\*\((\d)\)", (MAN / f"{page}.scd").read_text()):
        assert f"{name}.{section}" in PAGES or not (name in ours or name.startswith("metrics")), name


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_made_and_man_has_nothing_to_say_about_it(page):
    made = Path(BUILD) / "tools/package" / page
    if not made.exists() or not shutil.which("man"):
        pytest.skip("scdoc or man is missing")
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(made)], capture_output=True,
                          text=True, env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_of_the_library_compiles(tmp_path):
    example = (MAN / "metrics.3.scd").read_text().split("```\n")[1]
    (tmp_path / "example.c").write_text(example)
    done = subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{HEADER.parents[1]}",
                           str(tmp_path / "example.c")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
