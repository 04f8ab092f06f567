"""The README's way from a clone to a service, held against what is there."""
import os
import re
import subprocess

from programs import PACKAGE

ROOT = PACKAGE.parents[1]
UNIT = (PACKAGE / "systemd/metrics-aggregator.service.in").read_text()


def install_commands():
    section = re.search(r"^## Install\n\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.M | re.S)[1]
    return [command.split() for line in section.splitlines() for command in line.partition("#")[0].split("&&")]


def test_it_is_three_lines_of_commands_that_are_there():
    dependencies, build, install, user = install_commands()
    assert dependencies[0] == "tools/install-dependencies"
    groups = re.findall(r"^  \[(\w+)\]=", (ROOT / dependencies[0]).read_text(), re.M)
    assert set(dependencies[1:]) <= set(groups)
    assert os.access(ROOT / build[0], os.X_OK)
    usage = subprocess.run([ROOT / build[0]], capture_output=True, text=True)
    assert (usage.returncode, usage.stderr) == (1, "package/build: usage: tools/package/build OUT\n")
    assert install == ["sudo", "apt", "install", f"./{build[1]}/*.deb"]
    assert user[:2] == ["sudo", "adduser"]
    assert user[3:] == re.findall(r"^Group=(.*)$", UNIT, re.M)


def test_packages_that_are_built_there_are_no_part_of_the_source():
    assert f"/{install_commands()[1][1]}/" in (ROOT / ".gitignore").read_text().splitlines()
