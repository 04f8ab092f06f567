"""Collects what interpreter this is."""
import platform as this_platform

from ._per_process import PerProcessCollector
from .metrics_core import GaugeMetricFamily
from .registry import REGISTRY


class PlatformCollector(PerProcessCollector):
    """Collects an info of the interpreter, as a gauge; `platform` stands in for the module of that
    name."""

    _libmetrics = True

    def __init__(self, registry=REGISTRY, platform=None):
        self._platform = this_platform if platform is None else platform
        info = self._info()
        if self._platform.system() == 'Java':
            info.update(self._java())
        family = GaugeMetricFamily('python_info', 'Python platform information', labels=list(info))
        family.add_metric(list(info.values()), 1)
        self._families = [family]
        if registry:
            registry.register(self)

    def collect(self):
        return self._families

    def _info(self):
        major, minor, patchlevel = self._platform.python_version_tuple()
        return {'version': self._platform.python_version(), 'implementation': self._platform.python_implementation(),
                'major': major, 'minor': minor, 'patchlevel': patchlevel}

    def _java(self):
        release, _, (vm_name, vm_release, vm_vendor), _ = self._platform.java_ver()
        return {'jvm_version': release, 'jvm_release': vm_release, 'jvm_vendor': vm_vendor, 'jvm_name': vm_name}


PLATFORM_COLLECTOR = PlatformCollector()
