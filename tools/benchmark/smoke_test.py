#!/usr/bin/python3
"""Plays rows that need no peer for a moment. Checks the shape of what comes out, but
judges no time."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    build = sys.argv[1]
    with tempfile.TemporaryDirectory() as directory:
        file = f"{directory}/out.json"
        result = subprocess.run(
            [sys.executable, f"{HERE}/run.py", "--build", build, "--smoke", "--json", file, "--only",
             "^(update|settings|start-up|churn|scrape: catalogue, (1|8) process)"],
            capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stdout + result.stderr
        assert result.stdout.rstrip().splitlines()[-1].find(" targets met, ") > 0, result.stdout
        with open(file, encoding="utf-8") as opened:
            data = json.load(opened)
    assert {"machine", "versions", "rows", "growth"} <= data.keys(), data.keys()
    assert data["machine"]["cpus"] >= 1
    groups = {row["group"] for row in data["rows"]}
    assert groups == {"update", "settings", "scrape", "churn", "start-up"}, groups
    for row in data["rows"]:
        ours = row["figures"].get("ours")
        assert ours, f"{row['what']}: {row['missing']}"
        assert ours["least"] >= 0, row
        assert ours["low"] <= ours["median"] <= ours["high"], row
        for target in row["targets"]:
            assert target["verdict"] in ("met", "missed", "skipped"), target
    left = [name for name in os.listdir("/dev/shm") if name.startswith("metrics-bench-")]
    print(f"{len(data['rows'])} rows; left behind, of whomever: {left}")


if __name__ == "__main__":
    main()
