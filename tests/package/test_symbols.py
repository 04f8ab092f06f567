"""What the packages of the library promise, held against the library that was built."""
import os
import re
import subprocess

from programs import PACKAGE
from workers import BUILD

LIBRARY = os.path.join(BUILD, "libmetrics", "libmetrics.so")
DEBIAN = PACKAGE / "debian"


def soname():
    dynamic = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True, check=True).stdout
    return re.search(r"SONAME.*\[(.*)\]", dynamic)[1]


def package():
    """As Debian names it after the SONAME."""
    name, version = soname().split(".so.")
    return name + version


def test_the_package_is_named_after_the_soname():
    assert f"Package: {package()}\n" in (DEBIAN / "control").read_text()


def test_the_package_lists_the_symbols_of_the_library():
    exported = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True,
                              check=True).stdout.split("\n")
    symbols = {re.sub("@+", "@", line.split()[-1]) for line in exported if line}
    symbols = {symbol if "@" in symbol else f"{symbol}@{symbol}" for symbol in symbols}  # the version itself
    text = (DEBIAN / f"{package()}.symbols").read_text()
    assert text.startswith(f"{soname()} {package()} #MINVER#\n")
    assert set(re.findall(r"^ (\S+) ", text, re.M)) == symbols


def test_the_version_is_the_projects():
    project = re.search(r"project\(metrics VERSION (\S+)", (PACKAGE.parents[1] / "CMakeLists.txt").read_text())[1]
    changelog = (DEBIAN / "changelog").read_text()
    assert re.match(r"metrics \((.*?)\)", changelog)[1] == project
