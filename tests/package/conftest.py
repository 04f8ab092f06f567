"""What the tests share."""
import shutil
import tempfile

import pytest


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="metrics-package-", dir="/dev/shm")
    yield path
    shutil.rmtree(path)
