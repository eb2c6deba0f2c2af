import pytest

from slipway.errors import BusyError, CheckRefused, OutsideError, ProjectError
from slipway.stack.running.build import build, failed_build
from slipway.stack.running.engine import Planned
from slipway.stack.running.status import State
from slipway.stack.running.up import failure, last_message, serving

SAID = [
    "  split                runs",
    "slipway: an older message",
    "Traceback (most recent call last):",
    "slipway: Stage `model` failed: no column `y`.",
    "  pipeline.py, line 12",
]


def test_a_jobs_own_last_message_comes_first():
    error = failure("train", "job", State("failed", exit_code=2), SAID, ["serve", "watch"])
    assert isinstance(error, ProjectError)
    assert str(error) == (
        "Stage `model` failed: no column `y`.\n  pipeline.py, line 12\n`train` ended with exit code 2. "
        "`serve`, `watch` wait for it and were not started. All that it said: `slipway stack logs train`."
    )


@pytest.mark.parametrize(
    ("code", "kind"), [(1, CheckRefused), (2, ProjectError), (3, OutsideError), (4, BusyError), (137, OutsideError)]
)
def test_the_exit_code_of_a_process_of_ours_says_what_kind_of_failure_it_was(code, kind):
    assert type(failure("train", "job", State("failed", exit_code=code), SAID, [])) is kind


def test_another_programs_exit_code_says_nothing_of_the_kind():
    assert type(failure("database", "postgres", State("failed", exit_code=1), ["FATAL: x"], [])) is OutsideError


def test_a_program_that_is_not_ours_is_heard_by_its_last_lines():
    assert last_message([f"line {n}" for n in range(30)]) == [f"line {n}" for n in range(20, 30)]


def test_a_service_out_of_memory_is_told_how_it_gets_more():
    error = failure("train", "job", State("failed", exit_code=137, lacked_memory=True), [], [])
    assert 'at its limit of memory: more is `memory = "2g"` of `train` in slipway.toml.' in str(error)


def test_one_that_is_unhealthy_says_who_waits_for_it():
    error = failure("serve", "api", State("unhealthy"), ["health check: refused"], ["proxy"])
    assert str(error).startswith(
        "health check: refused\n`serve` is unhealthy. `proxy` waits for it and was not started."
    )


def planned(name, *waits_for, ends=False):
    return Planned(
        name=name, image=None, dockerfile=None, target=None, ports=(), waits_for=dict.fromkeys(waits_for, "started"),
        profiles=(), secrets=(), ends=ends, may_end=ends, has_health=not ends,
    )  # fmt: skip


STACK = [
    planned("database"),
    planned("train", "database", ends=True),
    planned("api", "train"),
    planned("proxy", "api"),
    planned("monitor", "train"),
]


def test_what_answers_goes_on_while_the_job_that_it_waits_for_is_done_once_more():
    assert [each.name for each in serving(STACK, {"api"})] == ["api", "proxy"]


def test_nothing_is_kept_where_nothing_runs_or_no_job_comes_before_it():
    assert serving(STACK, set()) == []
    assert serving([planned("database"), planned("api", "database")], {"api"}) == []


LINES = """\
#5 [job build 2/4] RUN uv pip install nothing
#5 0.4 error: no such package
#5 ERROR: executor failed running
------
 > [job build 2/4] RUN uv pip install nothing:
#5 0.4 error: no such package
------
failed to solve: exit code: 1
""".splitlines()


def test_a_failed_build_shows_the_step_that_failed():
    assert failed_build(["job"], LINES) == (
        "Building the images of `job` failed: failed to solve: exit code: 1\n"
        "   > [job build 2/4] RUN uv pip install nothing:\n  #5 0.4 error: no such package"
    )


def test_a_build_is_told_by_its_slow_steps_and_its_end_once_for_an_image_of_several(docker, tmp_path):
    (tmp_path / "said").write_text(
        "#5 [train build 2/4] RUN   uv   pip\n#5 DONE 12.3s\n#6 [train 1/2] COPY . .\n#6 DONE 0.1s\n"
        "#7 [train] exporting to image\n#7 naming to docker.io/library/line-job:local done\n#7 DONE 2.5s\n"
    )
    engine = docker(f'echo "$@" > {tmp_path}/asked; cat {tmp_path}/said')
    services = [
        Planned(name, "line-job:local", tmp_path, "job", (), {}, (), (), ends=True, may_end=True, has_health=False)
        for name in ("train", "watch")
    ]
    told: list[tuple[str, str]] = []
    build(engine, services, lambda service, event: told.append((service, event)))
    assert (tmp_path / "asked").read_text().split()[-2:] == ["build", "train"]
    assert told == [
        ("train", "builds, the image of watch too"),
        ("train", "build 2/4 RUN uv pip, 12 s"),
        ("train", "built in 0 s, the image of watch too"),
        ("train", "exporting to image, 2 s"),
    ]


def test_a_build_that_fails_is_an_error_of_the_outside(docker, tmp_path):
    engine = docker("echo 'failed to solve: no such host'; exit 17")
    service = Planned(
        "train", "line-job:local", tmp_path, "job", (), {}, (), (), ends=True, may_end=True, has_health=False
    )
    with pytest.raises(OutsideError, match="Building the images of `train` failed: failed to solve: no such host"):
        build(engine, [service], lambda service, event: None)
