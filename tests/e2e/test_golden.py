"""Segments that released versions have written: today's programs read them, and count on in
them."""
import os
import pathlib
import shutil

import pytest

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
VERSIONS = sorted(path.stem for path in GOLDEN.glob("*.prom"))


@pytest.fixture(params=VERSIONS)
def golden(request, directory):
    """A copy's path, without the ending, and what it must show."""
    (segment,) = GOLDEN.glob(request.param + ".v*")
    copy = os.path.join(directory, "golden")
    shutil.copyfile(segment, copy + segment.suffix)
    os.chmod(copy + segment.suffix, 0o600)
    return copy, (GOLDEN / (request.param + ".prom")).read_text()


@pytest.fixture
def version(request, golden):
    return request.node.callspec.params["golden"]


def test_there_are_golden_segments():
    assert {"2.0", "2.1", "2.2", "2.3"} <= set(VERSIONS)


def test_the_inspector_shows_what_it_always_has(golden, inspect):
    path, expected = golden
    assert inspect("expose", at=path) == (0, expected, "")
    assert inspect("verify", at=path)[0] == 0


def test_who_has_registered_a_family_is_known_since_2_3(golden, version, inspect):
    path, _expected = golden
    families = [f for f in inspect.json("space", at=path)["families"] if f["family"]]
    assert {"family" in f["registered_by"] for f in families} == {version >= "2.3"}


@pytest.mark.parametrize("version", ["2.2", "2.3"])
def test_exemplars_are_what_they_always_have_been(version, directory, inspect):
    copy = os.path.join(directory, "golden")
    shutil.copyfile(GOLDEN / f"{version}.v2", copy + ".v2")
    expected = (GOLDEN / f"{version}.openmetrics").read_text()
    assert 'errors_total 4 # {trace_id="4bf92f35"} 2 ' in expected
    assert inspect("expose", "--format=openmetrics", at=copy) == (0, expected, "")


def test_a_worker_of_today_joins_and_counts_on(golden, inspect, start_worker):
    path, expected = golden
    before = 'tasks_total{name="plain"} 13\n'
    assert before in expected
    worker = start_worker(at=path)
    tasks = worker.counter("tasks_total", {"name": "plain"})
    worker.inc(tasks, 7)
    status, text, _ = inspect("expose", at=path)
    assert status == 0
    assert before.replace("13", "20") in text
    assert inspect("verify", at=path)[0] == 0
