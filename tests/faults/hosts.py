"""Several hosts on one machine: network namespaces with addresses of their own on one bridge, cut off from all else.

Needs root and the ``ip`` command. A host's cable can be pulled and plugged in again.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWNET = 0x4000_0000
_SUBNET = "10.77.0"
_HUB = "hub"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Running namespaces; the names of the kernel's objects carry the process ID, so that runs do not meet."""

    names: tuple[str, ...]

    def address(self, name: str) -> str:
        """The host's address."""
        return f"{_SUBNET}.{self.names.index(name) + 2}"

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Be on that host: sockets and processes that this thread makes in the block belong to it."""
        with open("/proc/thread-self/ns/net") as before, open(_place(name)) as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def pull_cable(self, name: str) -> None:
        """Cut the host off; what it sends is lost, and it is not told."""
        _ip("-n", _kernel_name(_HUB), "link", "set", _port(self.names.index(name)), "down")

    def plug_in(self, name: str) -> None:
        """Connect it again."""
        _ip("-n", _kernel_name(_HUB), "link", "set", _port(self.names.index(name)), "up")


@contextmanager
def running_hosts(names: Sequence[str]) -> Iterator[Hosts]:
    """These hosts for as long as the block lasts."""
    hosts = Hosts(tuple(names))
    with ExitStack() as stack:
        for name in (_HUB, *names):
            _ip("netns", "add", _kernel_name(name))
            stack.callback(_ip, "netns", "delete", _kernel_name(name))
            _ip("-n", _kernel_name(name), "link", "set", "lo", "up")
        hub = _kernel_name(_HUB)
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for index, name in enumerate(names):
            there = _kernel_name(name)
            _ip("-n", hub, "link", "add", _port(index), "type", "veth", "peer", "name", "eth0", "netns", there)
            _ip("-n", hub, "link", "set", _port(index), "master", "bridge", "up")
            _ip("-n", there, "address", "add", f"{hosts.address(name)}/24", "dev", "eth0")
            _ip("-n", there, "link", "set", "eth0", "up")
        yield hosts


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


def _kernel_name(name: str) -> str:
    return f"je{os.getpid()}-{name}"


def _place(name: str) -> Path:
    return Path("/run/netns") / _kernel_name(name)


def _port(index: int) -> str:
    return f"port{index}"
