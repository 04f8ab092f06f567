"""A stand-in for the service manager: a socket that gets what a daemon reports by sd_notify(3)."""
import os
import select
import socket

from workers import PATIENCE


class ServiceManager:
    def __init__(self, directory):
        self.path = os.path.join(directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def report(self):
        """The next report, as {name: value}; waits for it."""
        lines = self.socket.recv(1 << 16).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def reported(self, name):
        """The next report that has `name`; those before it are skipped."""
        while True:
            report = self.report()
            if name in report:
                return report

    def hears_within(self, seconds):
        """Whether a report comes in that time; leaves it to be read."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def drop_reports(self):
        """Forgets those that have come."""
        while self.hears_within(0):
            self.report()

    def close(self):
        self.socket.close()
