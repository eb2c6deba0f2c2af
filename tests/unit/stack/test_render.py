"""What is rendered: files that Compose's own schema takes, whole and alone, the same each time."""

import json
import os
import re
from pathlib import Path, PurePosixPath

import jsonschema
import pytest
import yaml

from slipway.errors import ProjectError
from slipway.project import read_project
from slipway.stack.render import pinned, render

# The Compose Specification's own schema, of its repository (Apache-2.0), as check-jsonschema 0.39 brings it.
SCHEMA = json.loads((Path(__file__).parents[2] / "fixtures" / "compose-spec.json").read_text())


class _Loader(yaml.SafeLoader):
    """YAML with the tags by which an overlay replaces what is below it."""


def _replaced(loader, node):
    if isinstance(node, yaml.ScalarNode):
        return None
    return (
        loader.construct_mapping(node, True) if isinstance(node, yaml.MappingNode) else loader.construct_sequence(node)
    )


_Loader.add_constructor("!override", _replaced)
_Loader.add_constructor("!reset", lambda loader, node: None)


def composed(rendered):
    """The Compose files among what was rendered, read."""
    return {
        path: yaml.load(text, _Loader)
        for path, text in rendered.items()
        if path.endswith((".yaml", ".yml")) and isinstance(text, str)
    }


def without_resets(value):
    if isinstance(value, dict):
        return {key: without_resets(each) for key, each in value.items() if each is not None}
    return value


def test_every_file_of_compose_is_as_the_specification_has_it(project, shape, rendered):
    validator = jsonschema.Draft7Validator(SCHEMA)
    files = composed(rendered(shape))
    assert project.stack.file in files
    for path, body in files.items():
        assert [error.message for error in validator.iter_errors(without_resets(body))] == [], path


def test_the_schema_would_see_a_mistake():
    wrong = {"services": {"a": {"image": "x", "mem_limits": "1g", "depends_on": {"b": {"condition": "healthy"}}}}}
    assert len(list(jsonschema.Draft7Validator(SCHEMA).iter_errors(wrong))) >= 1


def test_the_same_project_gives_the_same_bytes(project, shape, rendered):
    assert rendered(shape) == render(read_project(project.root))


def test_every_text_says_what_it_was_rendered_from(shape, rendered):
    for path, content in rendered(shape).items():
        if isinstance(content, str) and not path.startswith("secrets/"):
            assert "endered by" in content[:160], path


def test_every_name_that_a_file_uses_is_declared_in_it(shape, rendered):
    for path, body in composed(rendered(shape)).items():
        services = [each for each in body.get("services", {}).values() if each]
        assert {n for each in services for n in each.get("networks") or ()} <= body.get("networks", {}).keys(), path
        assert {n for each in services for n in each.get("secrets") or ()} <= body.get("secrets", {}).keys(), path
        named = {
            str(v).partition(":")[0] for each in services for v in each.get("volumes") or () if not isinstance(v, dict)
        }
        assert {name for name in named if not name.startswith(".")} <= (body.get("volumes") or {}).keys(), path


def test_every_path_leads_to_what_is_rendered_or_is_the_project_s(project, shape, rendered):
    files = rendered(shape)
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    made = {".slipway", "notes"}
    for path, body in composed(files).items():
        folder = project.root / path
        for each in filter(None, body.get("services", {}).values()):
            mounts = [v["source"] for v in each.get("volumes") or () if isinstance(v, dict)]
            mounts += [str(v).partition(":")[0] for v in each.get("volumes") or () if str(v).startswith(".")]
            for mount in mounts:
                place = (folder.parent / mount).resolve().relative_to(project.root.resolve())
                assert str(place) in {*files, *folders, *made}, (path, mount)
            if each.get("build"):
                assert (folder.parent / each["build"]["context"]).resolve() == project.root.resolve(), path
                assert each["build"]["dockerfile"] in files, path
        for name, secret in body.get("secrets", {}).items():
            assert (folder.parent / secret["file"]).resolve() == project.root.resolve() / "secrets" / name, path


def test_each_component_includes_what_its_services_wait_for(shaped, rendered):
    project = shaped("parts")
    files = composed(rendered("parts"))
    main = files["compose.yaml"]
    assert main.keys() == {"name", "include"}
    assert main["include"] == [f"docker/{name}/compose.yaml" for name in project.stack.services]

    def reached(path):
        found = set(files[path].get("services", {}))
        for other in files[path].get("include", ()):
            found |= reached(os.path.normpath(PurePosixPath(path).parent / other))
        return found

    assert reached("compose.yaml") == {*project.stack.services, "serve-proxy"}
    for path, body in files.items():
        if path != "docker-compose.prod.yaml":
            waited = {other for each in body.get("services", {}).values() for other in each.get("depends_on", ())}
            assert waited <= reached(path), path
            assert body["name"] == "fruit"
    assert reached("docker-compose-etl.yml") == {"fetch", "prepare", "store", "flows"}
    assert files["docker/prepare/compose.yaml"]["include"] == [
        "../store/compose.yaml",
        "../flows/compose.yaml",
        "../fetch/compose.yaml",
    ]


def test_names_are_the_project_s_choice(rendered):
    files = composed(rendered("parts"))
    store = files["docker/store/compose.yaml"]["services"]["store"]
    train = files["docker/train/compose.yaml"]["services"]["train"]
    assert train["image"] == "shop-job:local"
    assert train["volumes"] == ["model_data:/app", "state:/app/.slipway"]
    assert store["volumes"][0] == "postgres_data:/var/lib/postgresql/data"
    assert train["environment"]["TREES"] == "3"
    assert files["docker/serve/compose.yaml"]["services"]["serve"]["deploy"] == {"replicas": 2}
    assert files["docker/registry/compose.yaml"]["services"]["registry"]["profiles"] == ["tracking"]
    assert "shared_buffers=256MB" in store["command"]


def test_a_mounted_folder_hides_its_secrets_and_an_api_sees_the_state_alone(rendered):
    services = composed(rendered("unified"))["docker-compose.yml"]["services"]
    train, serve = services["train"], services["serve"]
    assert [(v["source"], v["target"]) for v in train["volumes"]] == [(".", "/app")]
    assert train["tmpfs"] == ["/tmp", "/app/secrets:mode=0755"]
    assert "SLIPWAY_CODE" not in train["environment"]
    assert [(v["source"], v["target"]) for v in serve["volumes"]] == [(".slipway", "/app/.slipway")]
    assert {each["image"] for name, each in services.items() if name != "serve-proxy"} == {"fruit-unified:local"}


def test_an_overlay_takes_an_external_database_away(rendered):
    body = composed(rendered("linear"))["docker-compose.prod.yaml"]
    assert body["services"]["database"] is None
    place = "postgresql://slipway@${DATABASE_HOST:?where database runs}:${DATABASE_PORT:-5432}/dsproject"
    assert body["services"]["model-train"]["environment"]["SLIPWAY_STATE_URL"] == place
    assert list(body["services"]["model-train"]["depends_on"]) == ["data-prep"]
    assert body["services"]["data-prep"]["depends_on"] is None
    assert "model-serve-proxy" not in body["services"]  # nothing of it differs


def test_an_overlay_adds_what_is_new_and_nothing_else(rendered):
    body = composed(rendered("linear"))["docker-compose.monitoring.yaml"]
    assert list(body["services"]) == ["monitor"]
    assert body["services"]["monitor"]["command"][:2] == ["slipway", "loop"]
    changed = composed(rendered("parts"))["docker-compose.prod.yaml"]["services"]["serve"]
    assert changed["mem_limit"] == "4g"
    assert "image" not in changed


def test_the_example_of_the_environment_has_every_variable_that_is_read(shape, rendered):
    files = rendered(shape)
    texts = [text for path, text in files.items() if path.endswith((".yaml", ".yml")) and isinstance(text, str)]
    read = {name for text in texts for name in re.findall(r"(?<!\$)\$\{([A-Z_0-9]+)", text)}
    example = files[".env.example"]
    assert set(re.findall(r"^(?:# )?([A-Z_0-9]+)=", example, flags=re.M)) == read
    for name in read:
        assert re.search(rf"^# .+\.( .+)?\n(# )?{name}=", example, flags=re.M), name
    asked = re.findall(r"^([A-Z_0-9]+)=", example, flags=re.M)
    assert asked == sorted(name for name in read if f"${{{name}:?" in str(texts))


def test_a_page_a_service_has_its_commands_ports_and_order(project, shape, rendered):
    files = rendered(shape)
    for service in project.stack.services.values():
        page = files[f"docker/{service.name}/README.md"]
        assert f"# {service.name}\n" in page
        assert "docker compose" in page
        assert "## Ports" in page
        assert "## Waits for" in page
        if service.port is not None:
            assert f"127.0.0.1:{service.port}" in page
    assert "```mermaid\nflowchart LR\n" in files["docker/README.md"]


def test_a_pin_takes_the_place_of_its_tag_and_of_no_longer_one(fruit):
    pins = {"python:3.13-slim": "python:3.13-slim@sha256:aa", "postgres:17": "postgres:17@sha256:bb"}
    files = render(fruit('[stack.services]\nstore = { kind = "postgres" }\ntrain = { kind = "job" }'), pins)
    assert "image: postgres:17@sha256:bb" in files["docker/store/compose.yaml"]
    assert "FROM python:3.13-slim@sha256:aa AS " in files["docker/Dockerfile"]
    assert pinned("postgres:17 postgres:17.2 my/postgres:17 postgres:17-alpine", pins) == (
        "postgres:17@sha256:bb postgres:17.2 my/postgres:17 postgres:17-alpine"
    )
    assert pinned(pinned("FROM postgres:17", pins), pins) == "FROM postgres:17@sha256:bb"


def test_a_stack_of_no_services_is_told_the_least_that_one_needs(fruit):
    with pytest.raises(ProjectError, match=r"has no \[stack.services\]. The least is"):
        render(fruit("[stack.services]\n"))


def test_the_database_lets_in_who_has_a_role_and_never_the_superuser_over_a_network(rendered):
    files = rendered("parts")
    hba = [line.split() for line in files["docker/store/pg_hba.conf"].splitlines() if not line.startswith("#")]
    assert hba[:3] == [
        ["local", "all", "postgres", "peer"],
        ["local", "all", "all", "scram-sha-256"],
        ["host", "all", "postgres", "all", "reject"],
    ]
    assert {(each[1], each[2], each[4]) for each in hba[3:]} == {
        ("fruit", "slipway", "scram-sha-256"),
        ("fruit", "slipway_api", "scram-sha-256"),
        ("mlflow", "mlflow", "scram-sha-256"),
        ("prefect", "prefect", "scram-sha-256"),
    }
    roles = files["docker/store/initdb/10-roles.sh"]
    assert re.findall(r"ALTER DATABASE (\w+) OWNER TO (\w+)", roles) == [
        ("fruit", "slipway"), ("mlflow", "mlflow"), ("prefect", "prefect"),
    ]  # fmt: skip
    assert "GRANT CONNECT ON DATABASE fruit TO slipway_api;" in roles
    assert "GRANT ALL" not in roles
