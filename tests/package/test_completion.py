"""Completion in real shells, held against the programs' own --help."""
import os
from pathlib import Path
import re
import shutil
import subprocess

import pytest

from programs import PACKAGE, PROGRAMS, all_flags_of, commands_of, flags_of
from workers import PATIENCE, Worker, clean_environment

COMPLETION = PACKAGE / "completion"
FILES = {"bash": "bash/{}", "zsh": "zsh/_{}", "fish": "fish/{}.fish"}


@pytest.fixture
def path(tmp_path):
    """A PATH with the programs, as they are called where they are installed."""
    for name, program in PROGRAMS.items():
        (tmp_path / name).symlink_to(os.path.abspath(program))
    return f"{tmp_path}:{os.environ['PATH']}"


BASH = r"""
source /usr/share/bash-completion/bash_completion
source "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9
read -ra COMP_WORDS <<<"$2"
[[ $2 != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_$(tr - _ <<<"${COMP_WORDS[0]}")
printf '%s\n' "${COMPREPLY[@]}"
"""


def offered_by_bash(line, environment):
    if not Path("/usr/share/bash-completion/bash_completion").exists():
        pytest.skip("bash-completion is missing")
    file = COMPLETION / FILES["bash"].format(line.split()[0])
    return subprocess.run(["bash", "--norc", "-c", BASH, "bash", str(file), line], capture_output=True, text=True,
                          check=True, timeout=PATIENCE, env=environment).stdout.split()


def offered_by_fish(line, environment):
    if not shutil.which("fish"):
        pytest.skip("fish is missing")
    file = COMPLETION / FILES["fish"].format(line.split()[0])
    out = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]', str(file), line],
                         capture_output=True, text=True, check=True, timeout=PATIENCE, env=environment).stdout
    return [answer.partition("\t")[0] for answer in out.splitlines()]


OFFERED_BY = {"bash": offered_by_bash, "fish": offered_by_fish}


@pytest.fixture(params=OFFERED_BY)
def offered(request, path, tmp_path):
    """offered(line): what the shell would offer there."""
    environment = clean_environment(PATH=path, HOME=tmp_path, XDG_CONFIG_HOME=tmp_path)
    return lambda line: OFFERED_BY[request.param](line, environment)


@pytest.mark.parametrize("shell", FILES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_file_has_the_flags_of_the_program_and_no_others(shell, program):
    text = (COMPLETION / FILES[shell].format(program)).read_text()
    if shell == "fish":
        found = {"--" + flag for flag in re.findall(r"^complete .* -l ([a-z.-]+)", text, re.M)}
    else:
        found = set(re.findall(r"(?<![\w-])(--[a-z][a-z.-]*)", text))
    assert found == all_flags_of(program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_flags_are_offered(offered, program):
    assert set(offered(f"{program} --")) == flags_of(program)


def test_all_commands_are_offered(offered):
    assert sorted(offered("metrics-inspect ")) == sorted(commands_of("metrics-inspect"))


def test_a_flag_of_a_command_is_offered_behind_it(offered):
    assert offered("metrics-inspect dump --p") == ["--per-slot"]
    assert offered("metrics-inspect ls --p") == []
    assert sorted(offered("metrics-inspect ls --se")) == ["--segment", "--series"]


def test_values_are_offered(offered):
    assert sorted(offered("metrics-aggregator --log.level ")) == ["debug", "error", "info", "warn"]
    assert offered("metrics-aggregator --log.format j") == ["json"]
    assert "nobody" in offered("metrics-aggregator --segment.owner no")


def test_families_of_the_segment_are_offered(offered, directory):
    segment = os.path.join(directory, "segment")
    worker = Worker(clean_environment(METRICS_SEGMENT=segment))
    try:
        worker.counter("tasks_total")
        worker.gauge("tables", "max")
        worker.gauge("workers", "livesum")
        assert sorted(offered(f"metrics-inspect --segment {segment} get ta")) == ["tables", "tasks"]
    finally:
        worker.close()


@pytest.mark.parametrize("program", PROGRAMS)
def test_zsh_can_read_its_file(program):
    if not shutil.which("zsh"):
        pytest.skip("zsh is missing")
    file = COMPLETION / FILES["zsh"].format(program)
    assert file.read_text().startswith(f"#compdef {program}\n")
    done = subprocess.run(["zsh", "--no-rcs", "-n", str(file)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
