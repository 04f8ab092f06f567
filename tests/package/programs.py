"""What the programs' own --help has, to hold pages and completion against."""
import os
from pathlib import Path
import re
import subprocess

from workers import BUILD

PACKAGE = Path(__file__).parents[2] / "tools/package"
PROGRAMS = {"metrics-aggregator": os.path.join(BUILD, "aggregator", "metrics-aggregator"),
            "metrics-inspect": os.path.join(BUILD, "tools", "metrics-inspect")}


def help_of(program, *command):
    return subprocess.run([PROGRAMS[program], *command, "--help"], capture_output=True, text=True, check=True).stdout


def flags_of(program, *command):
    """All long flags that the help has at the beginning of a line."""
    return set(re.findall(r"^ +(?:-\w,)?(--[a-z][a-z.-]*)", help_of(program, *command), re.M))


def commands_of(program):
    _, _, listed = help_of(program).partition("Subcommands:")
    return re.findall(r"^  ([a-z]+) ", listed, re.M)


def all_flags_of(program):
    """Those of the commands, too."""
    return flags_of(program).union(*(flags_of(program, command) for command in commands_of(program)))
