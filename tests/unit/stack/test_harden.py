"""Every service that is rendered, of stacks of each shape: what it may, and what it may not."""

import re
from dataclasses import replace

import pytest
import yaml

from slipway.project.stack import Service
from slipway.stack.compose import bodies
from slipway.stack.harden import hardened
from slipway.stack.images.parts import images

ONCE = ("job", "data", "test")


@pytest.fixture
def services(project):
    """What is rendered, by name, with each one's kind, of the stack and of it under each of its overlays."""
    found = []
    stack = project.stack
    variants = [stack.services, *(overlay.services for overlay in stack.overlays.values())]
    for each in variants:
        changed = replace(stack, services=each)
        for name, body in bodies(changed, project, images(project)).items():
            found.append((name, each[name].kind if name in each else "proxy", body))
    return found


def test_nobody_is_root(services):
    for name, kind, body in services:
        user = str(body["user"])
        assert user in ("10001:10001", "${SLIPWAY_UID:-10001}:${SLIPWAY_GID:-10001}", "postgres"), name
        assert (user == "postgres") == (kind == "postgres"), name


def test_the_root_is_read_only_and_what_is_passing_is_in_memory(services):
    for name, _, body in services:
        assert body["read_only"] is True, name
        assert body["tmpfs"][0] == "/tmp", name


def test_no_right_beyond_its_user_s_is_left(services):
    for name, _, body in services:
        assert body["cap_drop"] == ["ALL"], name
        assert body["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"} & body.keys(), name
        assert not any("docker.sock" in str(volume) for volume in body.get("volumes", ())), name


def test_memory_processors_and_processes_are_bounded(services):
    for name, _, body in services:
        assert re.fullmatch(r"\d+[mg]", body["mem_limit"]), name
        assert body["cpus"] == "${SLIPWAY_CPUS:-2}" or 0 < body["cpus"] <= 2, name
        assert 16 <= body["pids_limit"] <= 1024, name


def test_logs_are_rotated_and_restarts_come_to_an_end(services):
    for name, kind, body in services:
        assert body["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}, name
        assert body["restart"] == ("no" if kind in (*ONCE, "shell") else "on-failure:5"), name
        assert body["init"] is True, name
        assert re.fullmatch(r"\d+[sm]", body["stop_grace_period"]), name


def test_what_goes_on_is_asked_for_its_health_on_this_container_s_own_address(services):
    for name, kind, body in services:
        if kind in (*ONCE, "shell"):
            assert "healthcheck" not in body, name
            continue
        check = body["healthcheck"]
        words = " ".join(check["test"])
        assert check["test"][0] in ("CMD", "CMD-SHELL"), name
        assert "curl" not in words, name
        assert "wget" not in words, name
        assert "localhost" not in words, name
        assert "127.0.0.1" in words or kind == "monitor", name
        assert "start_interval" not in check, name
        assert {"interval", "timeout", "retries"} <= check.keys(), name


def test_ports_are_published_on_this_machine_alone_and_from_the_edge(services):
    for name, _, body in services:
        for port in body.get("ports", ()):
            assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z0-9_]+:-\d+\}:\d+", port), name
            assert any(not network.endswith("-internal") for network in body["networks"]), name


def test_a_server_is_on_the_inner_network_and_at_the_edge_only_where_it_is_published(services):
    for name, kind, body in services:
        if kind in ("postgres", "mlflow", "prefect"):
            at_edge = any(not network.endswith("-internal") for network in body["networks"])
            assert any(network.endswith("-internal") for network in body["networks"]), name
            # Where the database runs elsewhere, the way to it leads over the edge.
            assert at_edge == ("ports" in body or "_HOST:?" in str(body["environment"])), name


def test_no_secret_stands_in_an_environment_or_a_command(services):
    for name, _, body in services:
        told = {key: str(value) for key, value in body.get("environment", {}).items()}
        for key, value in told.items():
            secret = re.search("PASSWORD|TOKEN|SECRET|CREDENTIALS", key)
            assert not secret or value.startswith("/run/secrets/"), (name, key)
            assert not re.search(r"://[^/@]*:[^/@$]+@", value), (name, key)
        assert not re.search(r"--?password|PGPASSWORD=", str(body["command"])), name


def test_each_service_reads_the_secrets_that_it_has_use_for(shaped):
    project = shaped("parts")
    read = {name: set(b.get("secrets", ())) for name, b in bodies(project.stack, project, images(project)).items()}
    assert read == {
        "store": {
            "postgres_password", "slipway_password", "slipway_api_password", "mlflow_password", "prefect_password",
        },
        "flows": {"prefect_password"},
        "registry": {"mlflow_password"},
        "fetch": {"aws_credentials"},
        "prepare": {"slipway_password"},
        "train": {"slipway_password"},
        "write": {"slipway_password", "aws_credentials"},
        "serve": {"slipway_api_password", "api_token"},
        "serve-proxy": set(),
        "watch": {"slipway_password"},
        "check": set(),
        "desk": {"slipway_password", "aws_credentials"},
        "keep": {"aws_credentials"},
    }  # fmt: skip


def test_a_project_s_own_limits_go_before_those_of_its_kind():
    service = Service("train", "job", memory="2g", cpus=1.5, pids=99)
    body = hardened({"image": "x", "tmpfs": ["/app/secrets"]}, "job", service)
    assert (body["mem_limit"], body["cpus"], body["pids_limit"]) == ("2g", 1.5, 99)
    assert body["tmpfs"] == ["/tmp", "/app/secrets"]
    assert yaml.safe_load(yaml.safe_dump(body)) == body


def test_a_proxy_has_limits_of_its_own():
    body = hardened({"image": "x"}, "proxy", Service("serve", "api", memory="8g", pids=9999))
    assert (body["mem_limit"], body["pids_limit"]) == ("128m", 64)
