import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.stack.running.checks import (
    Problem,
    base_images,
    before_start,
    disk_problems,
    engine_problem,
    image_problems,
    port_problems,
    refuse,
    secret_problems,
    variable_problems,
)
from slipway.stack.running.engine import Engine, Plan, Planned, Published

SERVICE = Planned("serve", "postgres:17", None, None, (), {}, (), (), ends=False, may_end=False, has_health=False)
PLAN = Plan("line", {"serve": SERVICE}, {}, ())


def texts(problems) -> list[str]:
    return [problem.text for problem in problems]


def answers(version: str = "24.0.7", compose: str = "2.26.1") -> str:
    return f'case "$1" in compose) echo {compose};; version) echo {version};; *) exit 1;; esac'


def test_an_engine_that_answers_and_is_new_enough_is_no_problem(docker):
    assert engine_problem(docker(answers())) is None
    assert engine_problem(docker(answers("20.10.24+dfsg1", "v2.20.0"))) is None


def test_without_docker_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    problem = engine_problem(Engine(tmp_path, "compose.yaml"))
    assert problem is not None
    assert problem.text.startswith(
        "There is no `docker` on the PATH. Install Docker Engine 20.10 or later with Compose"
    )


def test_the_older_program_docker_compose_is_not_it(docker):
    problem = engine_problem(docker("echo \"docker: 'compose' is not a docker command.\" >&2; exit 1"))
    assert problem is not None
    assert problem.text.startswith(
        "`docker` has no `compose`: install its plugin, docker-compose-plugin, 2.20 or later"
    )


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (answers(compose="2.19.1"), "Compose is 2.19.1; 2.20 or later is needed"),
        (answers(version="19.03.15"), "The Docker engine is 19.03.15; 20.10 or later is needed"),
    ],
)
def test_what_is_too_old_says_from_when_on(docker, script, told):
    problem = engine_problem(docker(script))
    assert problem is not None
    assert problem.text.startswith(told)


def test_an_engine_that_is_not_running_says_how_to_start_it(docker):
    said = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    problem = engine_problem(docker(f'[ "$1" = compose ] && echo 2.26.1 || {{ echo "{said}" >&2; exit 1; }}'))
    assert problem is not None
    assert problem.text.startswith(f"The Docker engine does not answer: {said} Start it (`sudo systemctl start docker`")


def test_no_right_to_its_socket_is_another_message(docker):
    said = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
    problem = engine_problem(docker(f'[ "$1" = compose ] && echo 2.26.1 || {{ echo "{said}" >&2; exit 1; }}'))
    assert problem is not None
    assert problem.text.startswith("You may not use the Docker engine: permission denied")
    assert "`sudo usermod -aG docker $USER`" in problem.text


def test_a_full_disk_says_where_and_how_to_make_room(docker, tmp_path):
    (problem,) = disk_problems(docker(f"echo {tmp_path}"), 1e9)
    assert f"GB are free at {tmp_path}, where the engine keeps images and volumes; 1e+09 GB are needed." in problem.text
    assert list(disk_problems(docker(f"echo {tmp_path}"), 0.001)) == []


def test_a_disk_that_is_not_this_machines_is_not_looked_at(docker):
    assert list(disk_problems(docker("echo /var/lib/of/another/machine"), 1e9)) == []


def published(port: int) -> Planned:
    return replace(SERVICE, ports=(Published("127.0.0.1", port, 8000),))


def nobody(more: str = "") -> str:
    return f'case "$1" in ps) {more or ":"};; context) echo unix:///var/run/docker.sock;; esac'


def test_a_port_that_a_process_has_names_the_process(docker, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (text,) = texts(port_problems(docker(nobody()), PLAN, [published(port)]))
    assert text == (
        f"port {port} of `serve` is taken by process {os.getpid()} ({Path('/proc/self/comm').read_text().strip()}): "
        "end it, or give another `port` in slipway.toml."
    )


def test_a_port_is_seen_as_taken_on_every_address_too(docker, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    code = "from socket import *; s = socket(); s.bind(('', 0)); s.listen(); print(s.getsockname()[1]); input()"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        (text,) = texts(port_problems(docker(nobody()), PLAN, [published(port)]))
        other.communicate("\n")
    assert f"is taken by process {other.pid} (python" in text


def test_a_free_port_is_no_problem(docker, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert list(port_problems(docker(nobody()), PLAN, [published(port)])) == []


def container(name: str, labels: str, shown: str) -> str:
    return f"echo '{json.dumps({'Names': name, 'Labels': labels, 'Ports': shown})}'"


def test_a_port_that_a_container_has_names_it_and_its_project(docker):
    labels = "com.docker.compose.project=shop,com.docker.compose.service=web,maintainer=x"
    engine = docker(nobody(container("shop-web-1", labels, "127.0.0.1:5000->8000/tcp, [::]:81->80/tcp")))
    assert texts(port_problems(engine, PLAN, [published(5000), published(81)])) == [
        "port 5000 of `serve` is taken by container shop-web-1 of Compose project shop: `docker compose -p shop stop "
        "web`, or give another `port` in slipway.toml.",
        "port 81 of `serve` is taken by container shop-web-1 of Compose project shop: `docker compose -p shop stop "
        "web`, or give another `port` in slipway.toml.",
    ]


def test_one_without_a_project_is_stopped_by_its_name(docker):
    engine = docker(nobody(container("db", "", "0.0.0.0:5430-5440->5430-5440/tcp")))
    (text,) = texts(port_problems(engine, PLAN, [published(5432)]))
    assert text.endswith("is taken by container db: `docker stop db`, or give another `port` in slipway.toml.")


def test_the_stacks_own_containers_are_in_nobodys_way(docker):
    engine = docker(nobody(container("line-serve-1", "com.docker.compose.project=line", "127.0.0.1:5000->8000/tcp")))
    assert list(port_problems(engine, PLAN, [published(5000)])) == []


def test_two_services_on_one_port_are_the_projects_own_mistake(docker, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere")
    services = [published(5000), replace(published(5000), name="other")]
    (problem,) = port_problems(docker(nobody()), PLAN, services)
    assert problem == Problem(
        "port 5000: `serve` and `other` both publish it; give one another `port` in slipway.toml.", is_outside=False
    )


def test_a_missing_secret_names_its_file_and_its_readers(tmp_path):
    service = replace(SERVICE, secrets=("api_token", "there"))
    (tmp_path / "there").write_text("x")
    plan = replace(PLAN, secrets={"api_token": tmp_path / "secrets/api_token", "there": tmp_path / "there"})
    (text,) = texts(secret_problems(tmp_path, plan, [service]))
    assert text.startswith("secrets/api_token is missing, a secret that `serve` reads. `slipway stack secrets` makes")


def test_every_variable_without_a_value_is_told_not_the_first_alone(tmp_path):
    (tmp_path / "compose.yaml").write_text(
        "a: ${A_HOST:?where a runs}\nb: ${B_HOST?}\nc: ${C_HOST:?}\nd: ${D:-1}\n# ${NOT_MEANT:?}\n"
    )
    (tmp_path / ".env").write_text("C_HOST=c\n")
    assert texts(variable_problems(tmp_path, ["compose.yaml"])) == [
        ".env: A_HOST has no value (where a runs). `.env.example` lists what this stack takes.",
        ".env: B_HOST has no value. `.env.example` lists what this stack takes.",
    ]


NO_IMAGE = 'case "$1 $2" in "image inspect") exit 1;; "manifest inspect") echo "no such host" >&2; exit 1;; esac'


def test_an_image_that_can_not_be_had_names_who_needs_it(docker):
    services = [SERVICE, replace(SERVICE, name="other")]
    (text,) = texts(image_problems(docker(NO_IMAGE), services, builds=True))
    assert text == (
        "postgres:17, which `serve`, `other` needs, is not on this machine and can't be had: no such host. Check the "
        "name and the way to its registry (`docker pull postgres:17`), or bring it by `docker load`."
    )


def test_an_image_that_is_here_asks_no_registry(docker):
    assert list(image_problems(docker('[ "$1" = image ]'), [SERVICE], builds=True)) == []


def test_what_a_build_rests_on_is_looked_for_too(docker, tmp_path):
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM python:3.13-slim AS base\nFROM base\nCOPY --from=uv:1 /uv /uv\n")
    built = replace(SERVICE, image="line-api:local", dockerfile=dockerfile)
    assert [text.split(",")[0] for text in texts(image_problems(docker(NO_IMAGE), [built], builds=True))] == [
        "python:3.13-slim",
        "uv:1",
    ]


def test_an_image_that_was_never_built_can_not_be_left_unbuilt(docker, tmp_path):
    built = replace(SERVICE, image="line-api:local", dockerfile=tmp_path / "Dockerfile")
    (problem,) = image_problems(docker(NO_IMAGE), [built], builds=False)
    assert problem.text == "line-api:local, the image of `serve`, has not been built yet: leave `--no-build` out."


def test_a_dockerfiles_bases_are_its_images_and_not_its_stages():
    text = (
        "ARG PYTHON=python:3.13-slim\nFROM ${PYTHON} AS build\nFROM --platform=linux/amd64 debian:13 AS other\n"
        "FROM scratch\nCOPY --from=build /a /a\nCOPY --from=0 /b /b\ncopy --chown=1 --from=ghcr.io/x/uv:1 /uv /uv\n"
    )
    assert base_images(text) == ["python:3.13-slim", "debian:13", "ghcr.io/x/uv:1"]


def test_all_that_is_in_the_way_is_said_at_once(docker, tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    labels = "com.docker.compose.project=shop,com.docker.compose.service=web"
    said = container("shop-web-1", labels, "127.0.0.1:5000->8000/tcp")
    engine = docker(
        f'case "$1 $2" in "compose version") echo 2.26.1;; version*) echo 24.0.1;; info*) echo /not/here;; '
        f'ps*) {said};; context*) echo unix:///x;; "image inspect") exit 1;; *) echo "no such host" >&2; exit 1;; esac'
    )
    service = replace(published(5000), secrets=("api_token",))
    plan = replace(PLAN, secrets={"api_token": tmp_path / "secrets/api_token"})
    found = before_start(engine, plan, [service], [], builds=True)
    assert [problem.text.split()[0] for problem in found] == ["secrets/api_token", "port", "postgres:17,"]
    with pytest.raises(OutsideError, match=r"^3 things stand in the way:\n- secrets/api_token is missing"):
        refuse(found)


def test_without_an_engine_what_can_be_seen_without_one_is_said_too(docker, tmp_path):
    (tmp_path / "compose.yaml").write_text("a: ${A_HOST:?}\n")
    engine = docker('[ "$1" = compose ] && echo 2.26.1 || { echo "Is the docker daemon running?" >&2; exit 1; }')
    refused = ProjectError(".env: A_HOST has no value.")
    found = texts(before_start(engine, refused, [], ["compose.yaml"], builds=True))
    assert [text.split()[:2] for text in found] == [["The", "Docker"], [".env:", "A_HOST"]]


def test_files_that_compose_refuses_are_in_the_way_in_its_words(docker, tmp_path):
    found = before_start(docker(answers()), ProjectError("Compose refuses the files: x."), [], [], builds=True)
    assert found == [Problem("Compose refuses the files: x.", is_outside=False)]


def test_one_thing_in_the_way_is_said_plainly_and_its_kind_gives_the_exit_code():
    refuse([])
    with pytest.raises(ProjectError, match=r"^a port$"):
        refuse([Problem("a port", is_outside=False)])
    with pytest.raises(OutsideError, match=r"^a disk$"):
        refuse([Problem("a disk")])
