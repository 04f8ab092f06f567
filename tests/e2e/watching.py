"""A metrics-inspect that goes on."""
import json
import os
import subprocess

from workers import BUILD, clean_environment

INSPECT = os.path.join(BUILD, "tools", "metrics-inspect")


class Watching:
    """Its lines come one by one."""

    def __init__(self, segment, *arguments):
        self.process = subprocess.Popen([INSPECT, "--segment", segment, *arguments], stdout=subprocess.PIPE,
                                        text=True, env=clean_environment())

    def json(self):
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
