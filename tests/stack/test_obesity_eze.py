"""The third document's `eze` as a stack: twelve services of one image, started in the order of the pipeline's graph."""

import json
from collections.abc import Callable, Iterator

import pytest

from commands import Server
from documents import OBESITY_REQUEST
from engine import Stack, document_rows, standing
from followed import follow
from hardening import assert_hardened

PEOPLE = [OBESITY_REQUEST | {"Weight": float(weight), "Age": 18.0 + weight / 4} for weight in range(45, 165, 10)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with standing(tmp_path_factory.mktemp("eze"), "obesity", "api", name="eze") as stack:
        yield stack


def test_the_api_brings_what_it_needs_and_no_more(stack: Stack) -> None:
    shown = stack.stdout("ps", "--all", "--format", "{{.Service}} {{.State}} {{.ExitCode}}").split("\n")
    states = dict(line.split(" ", 1) for line in shown if line)
    assert {states[name] for name in ("dvc-pull", "eda-pipeline", "ml-pipeline")} == {"exited 0"}
    assert not {"visualize-drift", "compare", "test", "shell"} & set(states)
    assert len(stack.services()) == 12


def test_it_answers_as_the_document_and_the_embedded_run_do(stack: Stack, embedded: Callable[[str], Server]) -> None:
    answer = stack.ask("api", "/predict", OBESITY_REQUEST)
    assert set(answer) == {"prediction", "confidence", "features_received", "model_name", "model_version"}
    told = stack.ask("api", "/predict/batch", {"samples": PEOPLE})["predictions"]
    without = embedded("obesity").ask("/predict/batch", {"samples": PEOPLE})["predictions"]
    assert [one["prediction"] for one in told] == [one["prediction"] for one in without]
    assert [one["confidence"] for one in told] == pytest.approx([one["confidence"] for one in without], abs=1e-9)
    health = stack.ask("api", "/health")
    assert (health["status"], health["model_loaded"]) == ("healthy", True)
    assert stack.ask("api", "/status")["features_required"] == 16


def test_a_pull_without_a_remote_says_so_and_goes_on(stack: Stack) -> None:
    assert "so nothing was pulled" in stack.compose("logs", "dvc-pull")


def test_all_of_ours_is_one_image(stack: Stack) -> None:
    ours = {
        service["image"]
        for name, service in stack.services().items()
        if stack.kinds().get(name) in ("job", "api", "data", "test", "shell", "mlflow")
    }
    assert len(ours) == 1


def test_every_container_is_hardened(stack: Stack) -> None:
    assert_hardened(stack)


def test_the_drift_is_simulated_found_and_drawn(stack: Stack) -> None:
    follow(stack, "docker compose up visualize-drift")
    report = json.loads((stack.folder / "reports/drift/drift_report.json").read_text())
    assert {"Height", "Weight", "accuracy"} <= set(report["critical"])
    assert (stack.folder / "reports/figures/drift_indices.png").is_file()


@pytest.mark.parametrize("command", document_rows("obesity"))
def test_a_command_of_the_document_works(stack: Stack, command: str) -> None:
    assert follow(stack, command)


def test_the_project_is_as_dvc_has_it_after_all_that(stack: Stack) -> None:
    assert "up to date" in stack.compose("run", "--rm", "-T", "shell", "dvc", "status")


def test_a_changed_stage_is_what_runs_after_a_rebuild(stack: Stack) -> None:
    place = stack.folder / "pipeline.py"
    place.write_text(place.read_text().replace('"""What cleaning did', '"""Also, what cleaning did', 1))
    stack.compose("build", "compare")
    stack.compose("run", "--rm", "compare")
    shown = stack.compose("run", "--rm", "-T", "compare", "grep", "-c", "Also, what cleaning did", "pipeline.py")
    assert "1" in shown.split()
