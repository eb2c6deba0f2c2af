import json
import re

import pytest

from dockerfiles import Dockerfile
from slipway.stack.images.dockerfile import SLIM, dockerfiles
from slipway.stack.images.parts import images


def _files(project):
    return {path: text for path, text in dockerfiles(project).items() if path != SLIM}


def _stages(text):
    """The instructions of each stage, by its name."""
    return {stage[0][1].split(" AS ")[1]: stage for stage in Dockerfile(text).stages()}


def _value(stage, name):
    return next(arguments for instruction, arguments in stage if instruction == name)


def test_the_same_project_gives_the_same_text(project):
    assert dockerfiles(project) == dockerfiles(project)


def test_an_image_runs_as_a_numeric_user_and_says_what_it_is(project):
    files = dockerfiles(project)
    for image in images(project):
        stage = _stages(files[image.dockerfile])[image.target]
        assert _value(stage, "USER") == "10001:10001"
        labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', _value(stage, "LABEL")))
        name, _, tag = project.stack.image_of(image.target).rpartition(":")
        assert labels == {
            "title": name, "version": tag, "revision": "$SLIPWAY_COMMIT", "base.name": "python:3.13-slim"
        }  # fmt: skip
        assert isinstance(json.loads(_value(stage, "CMD")), list)


def test_it_ends_on_sigterm_and_takes_another_command(project):
    for text in _files(project).values():
        instructions = Dockerfile(text).all
        assert ("STOPSIGNAL", "SIGTERM") in instructions
        assert {"ENTRYPOINT", "HEALTHCHECK"} & {name for name, _ in instructions} == set()


def test_only_packages_and_code_are_copied_into_an_image(project):
    files = dockerfiles(project)
    for image in images(project):
        stage = _stages(files[image.dockerfile])[image.target]
        copied = [arguments.split()[-2:] for name, arguments in stage if name == "COPY"]
        assert {tuple(words) for words in copied} <= {("/part", "/venv"), ("/code", "/code"), ("/code", "/app")}
        assert not any(name == "RUN" and "uv" in arguments for name, arguments in stage)


def test_packages_are_installed_by_hash_and_compiled(project):
    for text in _files(project).values():
        runs = [arguments for arguments in Dockerfile(text).of("RUN") if "uv pip install" in arguments]
        assert all("--compile-bytecode" in run and "--no-python-downloads" in run for run in runs)
        locked = [run for run in runs if "./*.whl" not in run]
        assert all("--require-hashes" in run and "--mount=type=cache" in run for run in locked)


def test_an_engine_of_2020_can_build_it(project):
    for text in _files(project).values():
        assert "<<" not in text
        assert "--link" not in text
        assert not re.search(r"^#\s*(syntax|escape|check)\s*=", text, re.MULTILINE | re.IGNORECASE)


def test_what_a_build_copies_is_rendered_and_let_through(shape, shaped, rendered):
    found = rendered(shape)
    for path in _files(shaped(shape)):
        for arguments in Dockerfile(found[path]).of("COPY"):
            if "--from=" not in arguments and not arguments.startswith(". "):
                source = arguments.split()[0]
                assert source in found
                assert any(
                    line in (f"!{source}", "!docker/locks", "!docker/*.whl") for line in found[".dockerignore"].split()
                )


def test_images_that_begin_alike_share_their_layers(shaped):
    stages = _stages(dockerfiles(shaped("parts"))["docker/Dockerfile"])
    copies = {name: [a for i, a in stages[name] if i == "COPY" and "/part" in a] for name in ("api", "job", "test")}
    assert copies["job"][:1] == copies["api"][:1]
    assert copies["test"][: len(copies["job"]) - 1] == copies["job"][:-1]


def test_slipways_own_wheel_comes_after_all_packages(project):
    files = dockerfiles(project)
    for image in images(project):
        stage = _stages(files[image.dockerfile])[image.target]
        parts = [arguments for name, arguments in stage if name == "COPY" and arguments.endswith("/part /venv")]
        if image.content in ("api", "job", "test", "unified"):
            assert parts[-1] == "--from=build-slipway /part /venv"
            assert parts.index(parts[-1]) == len(parts) - 1


def test_a_dockerfile_each_is_named_after_its_service(shaped):
    assert [*_files(shaped("housing"))] == [
        f"Dockerfile.{name}" for name in ("prefect-server", "mlflow-server", "train", "monitor", "api")
    ]


def test_a_unified_image_has_the_plain_name_and_the_one_beside_it_its_own(shaped):
    assert [*_files(shaped("obesity-ali"))] == ["Dockerfile", "Dockerfile.api"]
    assert [*_files(shaped("obesity-eze"))] == ["Dockerfile"]


@pytest.mark.parametrize(
    ("shape", "file", "target", "command"),
    [
        ("linear", "docker/Dockerfile", "api", ["slipway", "serve", "--host", "0.0.0.0", "--port", "5000"]),
        ("linear", "docker/Dockerfile", "job", ["slipway", "status"]),
        ("linear", "docker/Dockerfile", "proxy", ["haproxy", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]),
        ("housing", "Dockerfile.train", "train", ["slipway", "job", "train"]),
        ("housing", "Dockerfile.api", "api", ["slipway", "serve", "--host", "0.0.0.0", "--port", "8081"]),
        ("obesity-ali", "Dockerfile.api", "api", ["slipway", "serve", "--host", "0.0.0.0", "--port", "8000"]),
        ("parts", "docker/Dockerfile", "test", ["pytest"]),
    ],
)
def test_docker_run_alone_does_what_the_image_is_for(shaped, shape, file, target, command):
    stage = _stages(dockerfiles(shaped(shape))[file])[target]
    assert json.loads(_value(stage, "CMD")) == command


def test_data_and_tests_stay_out_of_the_api(shaped):
    removed = _value(_stages(dockerfiles(shaped("housing"))["Dockerfile.api"])["code-api"], "RUN")
    assert removed == "rm -rf /code/tests /code/data/raw/listings.csv"


def test_further_packages_are_installed_as_they_come_with_what_they_count_on(fruit):
    project = fruit('[stack]\npackages = ["LightGBM>=4"]\n[stack.services]\ntrain = { kind = "job" }')
    stages = _stages(dockerfiles(project)["docker/Dockerfile"])
    assert ("COPY", "docker/locks/extra-job.txt lock.txt") in stages["build-extra-job"]
    assert "slim.sh" not in _value(stages["build-extra-job"], "RUN")
    assert "libgomp1=" in _value(stages["job"], "RUN")
