"""Hosts on one machine: network namespaces with a name, an address and a cable each, on a switch of their own.

All of it lies in a network namespace of the measurement's, so nothing of the machine's network is touched, and nothing
is left of it. What the servers offer on 127.0.0.1 there, a host finds on its own 127.0.0.1.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devserver.server import die_with_parent

SWITCH: Final = "10.77.0.1"
_INSIDE: Final = "KLING_STUDIO_BENCH_NETWORK"


class NoHostsError(Exception):
    """This machine does not let us have namespaces; str() says what is missing."""


@dataclass(frozen=True)
class Host:
    """A namespace, which lives as long as the process that holds it."""

    name: str
    address: str
    cable: str
    holder: "subprocess.Popen[bytes]"

    def command(self, command: str) -> str:
        """A line for a shell that runs there."""
        return f"exec nsenter --target {self.holder.pid} --net --uts -- sh -c '{command}'"

    def unplug(self) -> None:
        """From this moment no packet comes or goes; nobody is told."""
        _run("ip", "link", "set", self.cable, "down")

    def plug_in(self) -> None:
        _run("ip", "link", "set", self.cable, "up")


def enter_own_network() -> None:
    """Start this program again where it has a network to itself. Raises NoHostsError."""
    if os.environ.get(_INSIDE):
        return
    missing = [program for program in ("ip", "iptables", "nsenter", "unshare", "sysctl") if not shutil.which(program)]
    if os.geteuid() or missing:
        raise NoHostsError(f"Namespaces want root and {', '.join(missing) or 'nothing else'}.")
    command = ["unshare", "--net", "--", sys.executable, *sys.orig_argv[1:]]
    os.execvpe(command[0], command, os.environ | {_INSIDE: "1"})


@contextmanager
def hosts(names: Sequence[str], ports: Sequence[int]) -> Iterator[list[Host]]:
    """Hosts that reach these ports of ours as their own."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "switch", "type", "bridge")
    _run("ip", "addr", "add", f"{SWITCH}/24", "dev", "switch")
    _run("ip", "link", "set", "switch", "up")
    _run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
    _run(*_redirect("PREROUTING", SWITCH, "127.0.0.1"), "-i", "switch")
    made: list[Host] = []
    try:
        for number, name in enumerate(names, start=1):
            made.append(_make(name, number))
            _connect(made[-1], ports)
        yield made
    finally:
        for host in made:
            host.holder.kill()
            host.holder.wait()


def _make(name: str, number: int) -> Host:
    holder = subprocess.Popen(
        ["unshare", "--net", "--uts", "--", "sh", "-c", f"hostname {name}; echo; exec sleep infinity"],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509  only a system call
    )
    assert holder.stdout
    holder.stdout.readline()
    return Host(name, f"10.77.0.{10 + number}", f"cable{number}", holder)


def _connect(host: Host, ports: Sequence[int]) -> None:
    pid = str(host.holder.pid)
    there = ("nsenter", "--target", pid, "--net", "--")
    _run("ip", "link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", pid)
    _run("ip", "link", "set", host.cable, "master", "switch", "up")
    _run(*there, "ip", "link", "set", "lo", "up")
    _run(*there, "ip", "addr", "add", f"{host.address}/24", "dev", "eth0")
    _run(*there, "ip", "link", "set", "eth0", "up")
    _run(*there, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
    for port in ports:
        _run(*there, *_redirect("OUTPUT", "127.0.0.1", SWITCH), "--dport", str(port))
    _run(*there, "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "eth0", "-j", "MASQUERADE")


def _redirect(chain: str, asked: str, answering: str) -> tuple[str, ...]:
    table = ("iptables", "-t", "nat", "-A", chain, "-p", "tcp", "-d", asked)
    return (*table, "-j", "DNAT", "--to-destination", answering)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoHostsError(f"{Path(command[0]).name} {' '.join(command[1:])}: {done.stderr.strip()}")
