"""What the packages are built from, held against what the project says that it is built from."""
import re

from programs import PACKAGE

# Of Debian's build-essential, or of the tests, which the packages leave out.
OTHERWISE = {"g++", "libgmock-dev", "libgtest-dev"}
# Of debhelper.
HELPERS = {"debhelper-compat", "dh-python", "dh-sequence-installsysusers"}


def test_packages_need_what_the_build_needs():
    script = (PACKAGE.parent / "install-dependencies").read_text()
    needed = set(re.search(r'^ *\[build\]="([^"]*)"', script, re.M)[1].split())
    assert len(needed) > 10
    control = (PACKAGE / "debian/control").read_text()
    named = re.search(r"^Build-Depends:((?:.*,\n)*.*\n)", control, re.M)[1]
    assert {re.sub(r"\(.*?\)", "", name).strip() for name in named.split(",")} - HELPERS == needed - OTHERWISE
