"""A stack's containers, running or ended, held to what each of them has to be, as the engine tells it."""

import json
from typing import Any

from engine import Stack, docker


def assert_hardened(stack: Stack) -> None:
    """Each container that the stack has, and the images and networks behind them."""
    secrets = {
        path.name: path.read_text().strip()
        for path in (stack.folder / "secrets").iterdir()
        if path.is_file() and path.name != ".gitignore" and path.read_text().strip()
    }
    containers = json.loads(docker("inspect", *stack.containers()))
    assert containers
    found = {one["Config"]["Labels"]["com.docker.compose.service"]: _faults(one, secrets) for one in containers}
    assert {service: faults for service, faults in found.items() if faults} == {}
    for service in (name for name, kind in stack.kinds().items() if kind == "postgres"):
        assert any(network["Internal"] for network in _networks(stack, service)), f"{service} is on no internal network"
    for name, value in secrets.items():
        mode = (stack.folder / "secrets" / name).stat().st_mode & 0o777
        assert mode == 0o440, f"secrets/{name} has mode {mode:o}"
        assert value not in stack.stdout("config"), f"secrets/{name} stands in what Compose reads"


def _faults(one: dict[str, Any], secrets: dict[str, str]) -> list[str]:
    host, config = one["HostConfig"], one["Config"]
    user = config["User"].partition(":")[0]
    ports = [binding for bindings in (host["PortBindings"] or {}).values() for binding in bindings]
    told = json.dumps(one)
    checks = {
        f"runs as {user or 'root'}": user not in ("", "0", "root") and (user.isdecimal() or _is_public(one)),
        "root is not read-only": host["ReadonlyRootfs"],
        f"keeps capabilities: drops {host['CapDrop']}, adds {host['CapAdd']}": host["CapDrop"] == ["ALL"]
        and not host["CapAdd"],
        "may gain privileges": any(option.startswith("no-new-privileges") for option in host["SecurityOpt"] or []),
        "is privileged": not host["Privileged"],
        "has no memory limit": host["Memory"] > 0,
        "has no limit of processors": host["NanoCpus"] > 0 or host["CpuQuota"] > 0,
        "has no limit of processes": (host["PidsLimit"] or 0) > 0,
        "logs without end": {"max-size", "max-file"} <= set(host["LogConfig"]["Config"]),
        "restarts without end": host["RestartPolicy"]["Name"] in ("no", "", "on-failure"),
        "restarts how often?": host["RestartPolicy"]["Name"] != "on-failure"
        or 0 < host["RestartPolicy"]["MaximumRetryCount"] <= 20,
        f"publishes {ports} beyond this machine": all(binding["HostIp"] == "127.0.0.1" for binding in ports),
        "has an entry point": not config["Entrypoint"] or _is_public(one),
        "its processes are not reaped": host["Init"] is True or not _goes_on(one),
        "goes on and says nothing of its health": not _goes_on(one) or "Healthcheck" in config,
        f"tells a secret: {[name for name, value in secrets.items() if value in told]}": not any(
            value in told for value in secrets.values()
        ),
    }
    return [what for what, holds in checks.items() if not holds]


def _is_public(one: dict[str, Any]) -> bool:
    """Whether the image is somebody else's, whose numbers and entry point are theirs."""
    return bool(one["Config"]["Image"].startswith("postgres:"))


def _goes_on(one: dict[str, Any]) -> bool:
    return bool(one["State"]["Running"]) and not one["Config"].get("Tty")


def _networks(stack: Stack, service: str) -> list[dict[str, Any]]:
    names = stack.inspected(service)["NetworkSettings"]["Networks"]
    return list(json.loads(docker("network", "inspect", *names)))
