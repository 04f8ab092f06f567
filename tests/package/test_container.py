"""What stands in the container's image, run without an engine: in a root of its own, as the image
is run."""
import json
import os
from pathlib import Path
import re
import shutil
import stat
import subprocess

import pytest

from aggregators import Aggregator
from programs import PACKAGE, PROGRAMS
from workers import Worker, clean_environment

CONTAINER = PACKAGE / "container"
DOCKERFILE = (CONTAINER / "Dockerfile").read_text()
MOST_BYTES = 25 << 20
ROOT = PACKAGE.parents[1]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    (folder / "bin").mkdir()
    for name, program in PROGRAMS.items():
        (folder / "bin" / name).symlink_to(os.path.abspath(program))
    subprocess.run([CONTAINER / "root", folder / "bin", folder / "root"], check=True)
    return folder / "root"


def instruction(name):
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.M)[-1]


def in_image(image, segments, *arguments):
    """The command that runs the image's entry point as the image has it, with a root and segments
    that can't be written."""
    user, group = instruction("USER").split(":")
    variable, value = instruction("ENV").split("=")
    return ["bwrap", "--ro-bind", str(image), "/", "--ro-bind", segments, value, "--proc", "/proc", "--dev", "/dev",
            "--perms", "1777", "--tmpfs", "/dev/shm", "--unshare-user", "--unshare-pid", "--uid", user, "--gid", group,
            "--die-with-parent", "--clearenv", "--setenv", variable, value, *arguments]


@pytest.fixture
def run_in_image(image, directory):
    if not shutil.which("bwrap"):
        pytest.skip("bwrap is missing; install bubblewrap")
    if subprocess.run(["bwrap", "--ro-bind", "/", "/", "--unshare-user", "true"], capture_output=True).returncode:
        pytest.skip("bwrap may do nothing here")
    return lambda *arguments: in_image(image, directory, *arguments)


def test_the_image_is_small_and_has_the_programs_and_libraries_alone(image):
    files = [path for path in image.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    others = {str(path.relative_to(image)) for path in files if not re.search(r"\.so(\.|$)", path.name)}
    assert others == {"etc/group", "etc/passwd", *(f"usr/bin/{name}" for name in PROGRAMS)}


def test_the_image_serves_as_its_own_user_with_nothing_to_write_to(run_in_image, directory):
    worker = Worker(clean_environment(METRICS_SEGMENT=os.path.join(directory, "workers")))
    aggregator = None
    try:
        worker.inc(worker.counter("tasks_total"), 3)
        (program,) = json.loads(instruction("ENTRYPOINT"))
        aggregator = Aggregator(under=run_in_image(), program=program)
        assert aggregator.scrape().value("tasks_total", segment="/metrics/workers") == 3
        done = subprocess.run(run_in_image("/usr/bin/metrics-inspect", "--segment", "/metrics/workers", "get", "tasks"),
                              capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "tasks_total 3\n", "")
    finally:
        worker.close()
        if aggregator:
            aggregator.close()


def test_what_the_dockerfile_copies_and_runs_is_there():
    named = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.M) + [
        name.removeprefix("/src/") for name in re.findall(r"/src/\S+", DOCKERFILE) if not name.endswith("/")]
    assert len(named) >= 4
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.skipif(not (ROOT / "build-lint/node_modules/kubernetes-models").exists(),
                    reason="no schemas; run tools/install-dependencies check")
@pytest.mark.parametrize("file, old, new", [
    ("Dockerfile", "FROM debian:bookworm-slim", "FROM debian"),
    ("sidecar.yaml", "restartPolicy: Always", "restartPolicy: 7"),
    ("sidecar.yaml", "- port: metrics", "- port: 8001"),
    ("sidecar.yaml", "  selector:", "  selectors:"),
])
def test_the_lint_finds_what_is_wrong(file, old, new, tmp_path):
    text = (CONTAINER / file).read_text()
    assert old in text
    lint = ROOT / "tools/lint-containers"
    assert subprocess.run([lint, CONTAINER / file], capture_output=True).returncode == 0
    Path(tmp_path / file).write_text(text.replace(old, new))
    assert subprocess.run([lint, tmp_path / file], capture_output=True).returncode == 1
