import json
from pathlib import Path

import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.stack.running.engine import Engine, last_words, plan_of, refusal, shown

CONFIG = {
    "name": "line",
    "services": {
        "database": {
            "image": "postgres:17",
            "ports": [{"host_ip": "127.0.0.1", "target": 5432, "published": "5433", "protocol": "tcp"}],
            "healthcheck": {"test": ["CMD", "pg_isready"]},
            "restart": "on-failure:5",
            "secrets": [{"source": "postgres_password", "target": "/run/secrets/postgres_password"}],
        },
        "train": {
            "image": "line-job:local",
            "build": {"context": "/p", "dockerfile": "docker/Dockerfile", "target": "job"},
            "depends_on": {"database": {"condition": "service_healthy", "required": True}},
            "volumes": [{"type": "bind", "source": "/p", "target": "/app"}, {"type": "volume", "source": "w"}],
        },
        "serve": {
            "image": "line-api:local",
            "depends_on": {"train": {"condition": "service_completed_successfully", "required": True}},
            "deploy": {"replicas": 3},
            "healthcheck": {"test": ["CMD", "true"]},
        },
        "dev": {"image": "line-job:local", "profiles": ["dev"], "healthcheck": {"disable": True}},
    },
    "secrets": {"postgres_password": {"file": "/p/secrets/postgres_password"}},
    "volumes": {"w": {"name": "line_w"}},
}


def test_a_plan_says_of_each_service_what_operating_it_needs():
    plan = plan_of(CONFIG)
    assert (plan.project, plan.volumes) == ("line", ("line_w",))
    assert plan.secrets == {"postgres_password": Path("/p/secrets/postgres_password")}
    database, train, serve = (plan.services[name] for name in ("database", "train", "serve"))
    assert [(p.host, p.port, p.target) for p in database.ports] == [("127.0.0.1", 5433, 5432)]
    assert (database.ends, train.ends, serve.ends) == (False, True, False)
    assert (database.may_end, train.may_end, plan.services["dev"].may_end) == (False, True, True)
    assert (train.dockerfile, train.target, train.folders) == (Path("/p/docker/Dockerfile"), "job", (Path("/p"),))
    assert (train.waits_for, serve.waits_for) == ({"database": "healthy"}, {"train": "completed_successfully"})
    assert (serve.replicas, database.has_health, plan.services["dev"].has_health) == (3, True, False)


def test_a_service_is_wanted_with_all_that_it_waits_for():
    plan = plan_of(CONFIG)
    assert [each.name for each in plan.wanted(["serve"])] == ["database", "serve", "train"]
    assert [each.name for each in plan.wanted([])] == ["database", "serve", "train"]
    assert [each.name for each in plan.wanted(["dev"])] == ["dev"]


def test_an_unknown_service_is_refused_with_the_name_meant():
    with pytest.raises(ProjectError, match=r"The stack has no service `sevre`\. Did you mean `serve`\?"):
        plan_of(CONFIG).wanted(["sevre"])


def test_compose_is_called_on_the_stacks_own_files_and_the_users(tmp_path):
    words = ["docker", "compose", "-f", "docker-compose.yml"]
    assert Engine(tmp_path, words[3]).compose("ps") == [*words, "ps"]
    (tmp_path / "compose.override.yaml").write_text("services: {}\n")
    assert Engine(tmp_path, words[3]).compose("ps") == [*words, "-f", "compose.override.yaml", "ps"]


def test_files_that_env_names_are_taken_as_compose_takes_them(tmp_path):
    (tmp_path / ".env").write_text("COMPOSE_FILE=compose.yaml:docker-compose.prod.yaml\n")
    (tmp_path / "compose.override.yaml").write_text("services: {}\n")
    assert Engine(tmp_path, "compose.yaml").files == ("compose.yaml", "docker-compose.prod.yaml")


def test_the_environment_names_them_before_env(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("COMPOSE_FILE=a.yaml\n")
    monkeypatch.setenv("COMPOSE_FILE", "b.yaml")
    assert Engine(tmp_path, "compose.yaml").files == ("b.yaml",)


def test_a_command_is_told_as_a_person_would_type_it():
    assert shown(["docker", "compose", "-f", "a.yaml", "-f", "b.yaml", "logs", "api"]) == "docker compose logs api"
    assert shown(["docker", "ps"]) == "docker ps"


def test_a_failed_command_says_its_last_words(docker):
    engine = docker("echo first >&2; echo 'no such image' >&2; exit 1")
    with pytest.raises(OutsideError, match="`docker image ls` failed: no such image"):
        engine.asked(["docker", "image", "ls"])


def test_no_answer_in_time_is_an_error_of_its_own(docker):
    engine = docker("exec sleep 5")
    with pytest.raises(OutsideError, match=r"`docker info` gave no answer in 0\.2 s"):
        engine.asked(["docker", "info"], seconds=0.2)


def test_without_docker_the_remedy_is_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match=r"There is no `docker` on the PATH. Install Docker Engine 20.10 or later"):
        Engine(tmp_path, "compose.yaml").asked(["docker", "info"])


def test_a_program_that_says_nothing_is_said_to():
    assert last_words(" \n") == "it said nothing."


def test_what_compose_refuses_is_told_in_its_own_words(docker):
    engine = docker("echo 'services.api Additional property imge is not allowed' >&2; exit 15")
    with pytest.raises(ProjectError) as refused:
        engine.plan()
    assert str(refused.value) == (
        "Compose refuses the files: services.api Additional property imge is not allowed. "
        "`slipway stack render` writes them anew."
    )


def test_a_users_own_file_is_named_where_compose_refuses():
    told = refusal(["compose.yaml", "compose.override.yaml"], "time=x level=warning msg=y\nservices.api is wrong\n")
    assert told.startswith("Compose refuses the files: services.api is wrong. `compose.override.yaml` is yours")


def test_a_variable_without_a_value_leads_to_env():
    said = "error while interpolating x: required variable DATABASE_HOST is missing a value: where `database` runs\n"
    assert refusal(["compose.yaml"], said) == (
        ".env: DATABASE_HOST has no value (where `database` runs). `.env.example` lists what this stack takes."
    )


def test_containers_are_read_from_what_the_engine_inspects(docker, tmp_path):
    inspected = {
        "Id": "abc", "Name": "/line-serve-1", "Created": "2026-01-02T03:04:04Z",
        "State": {
            "Status": "exited", "ExitCode": 137, "OOMKilled": True, "StartedAt": "2026-01-02T03:04:05.123456789Z",
            "FinishedAt": "2026-01-02T03:05:05.5Z",
            "Health": {"Status": "unhealthy", "Log": [{"Output": "old"}, {"Output": " refused\n"}]},
        },
        "Config": {"Image": "line-api:local", "Labels": {"com.docker.compose.service": "serve"}},
    }  # fmt: skip
    (tmp_path / "found.json").write_text(json.dumps([inspected]))
    engine = docker(f"case $1 in ps) echo abc;; inspect) cat {tmp_path}/found.json;; esac")
    (container,) = engine.containers("line")
    assert (container.name, container.service, container.state) == ("line-serve-1", "serve", "exited")
    assert (container.exit_code, container.lacked_memory) == (137, True)
    assert (container.health, container.health_said) == ("unhealthy", "refused")
    assert container.since is not None
    assert container.since.isoformat() == "2026-01-02T03:05:05.500000+00:00"


def test_no_containers_is_no_question_to_the_engine(docker):
    engine = docker('[ "$1" = ps ] || exit 1')
    assert engine.containers("line") == []
