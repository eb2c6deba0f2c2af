"""A port of this machine in; who holds it out: a container by name and project, else a process by id and name."""

import errno
import json
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slipway.stack.running.engine import Engine, Published

_LISTENING = "0A"
_PUBLISHED = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:]+\]|[0-9.]+|::):)(?P<first>\d+)(?:-(?P<last>\d+))?->")


@dataclass(frozen=True, slots=True)
class Holder:
    """A container that publishes a port."""

    container: str
    project: str
    """Compose's; empty for one that was started without."""
    service: str


def published_by(engine: Engine) -> dict[int, Holder]:
    """The ports that running containers publish on this machine, with who each is."""
    found: dict[int, Holder] = {}
    for line in engine.asked(["docker", "ps", "--format", "{{json .}}"]).splitlines():
        told = json.loads(line)
        labels = dict(each.partition("=")[::2] for each in told["Labels"].split(","))
        holder = Holder(
            told["Names"],
            labels.get("com.docker.compose.project", ""),
            labels.get("com.docker.compose.service", ""),
        )
        for each in _PUBLISHED.finditer(told["Ports"]):
            for port in range(int(each["first"]), int(each["last"] or each["first"]) + 1):
                found[port] = holder
    return found


def is_taken(port: Published) -> bool:
    """Whether somebody on this machine listens where the port is to be published."""
    family = socket.AF_INET6 if ":" in port.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            # What a connection that has just ended leaves behind holds nobody up, as it does not hold up the engine.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((port.host, port.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return True
        return _is_listened_to(port.port)  # a low port, or an address that only the engine's machine has
    return False


def listener(port: int) -> str | None:
    """Who listens on the port: "process 1234 (python3)"; None where that is not for us to see."""
    inodes = set(_inodes(port))
    for process in Path("/proc").glob("[0-9]*"):
        if inodes & set(_sockets(process)):
            return f"process {process.name} ({_name(process)})"
    return None


def twice(ports: Mapping[str, Iterable[Published]]) -> list[tuple[int, str, str]]:
    """Ports that two services of one stack both publish, with their names."""
    first: dict[int, str] = {}
    found = []
    for service, theirs in ports.items():
        for number in {each.port for each in theirs}:
            if number in first:
                found.append((number, first[number], service))
            first.setdefault(number, service)
    return found


def _sockets(process: Path) -> Iterator[str]:
    """The sockets that a process holds open; none of another user's."""
    try:
        opened = list((process / "fd").iterdir())
    except OSError:
        return
    for each in opened:
        with suppress(OSError):  # closed meanwhile
            link = str(each.readlink())
            if link.startswith("socket:["):
                yield link[len("socket:[") : -1]


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "gone meanwhile"


def _is_listened_to(port: int) -> bool:
    return any(True for _ in _inodes(port))


def _inodes(port: int) -> Iterator[str]:
    """The sockets that listen on a port, of either family, by the kernel's table; none where there is no such table."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]
