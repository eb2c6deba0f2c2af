"""What a service's container does, without a container: its own stages, gate and release, and data."""

import re

import pytest

from registry import Registry
from slipway import jobs
from slipway.errors import CheckRefused, NothingLive, OutsideError, ProjectError, StageError
from slipway.jobs import job
from slipway.release.pending import RegistrationPending
from slipway.settings import read_settings
from slipway.workspace import Workspace
from written_flats import Flats

STACK = """
[stack.services.prepare]
kind = "job"
stages = ["flats", "split"]
[stack.services.train]
kind = "job"
[stack.services.fetch]
kind = "data"
do = "pull"
[stack.services.keep]
kind = "job"
stages = ["metrics"]
then = "push"
[stack.services.service]
kind = "api"
"""


@pytest.fixture
def flats(tmp_path):
    flats = Flats(tmp_path)
    flats.write("slipway.toml", (tmp_path / "slipway.toml").read_text() + STACK)
    flats.registry = Registry()
    return flats


class Away(Registry):
    """A tracker that answers from the given call on."""

    def __init__(self, comes_back_at):
        super().__init__()
        self.calls, self._from = 0, comes_back_at

    def register(self, facts):
        self.calls += 1
        if self.calls < self._from:
            raise OutsideError("MLflow is away.")
        return super().register(facts)


def opened(flats, registry=None, **environment):
    project = Workspace(flats.project, read_settings(flats.root, {"SLIPWAY_USER": "train", **environment}))
    project.tracker = registry if registry is not None else flats.registry
    return project


def outcomes(done):
    return {stage.name: stage.outcome for stage in done.ran.report.stages}


def test_each_job_runs_its_own_stages_and_the_one_that_makes_the_model_releases_it(flats):
    with opened(flats, SLIPWAY_COMMIT="abc1234") as project:
        assert outcomes(job(project, "prepare")) == {"flats": "ran", "split": "ran"}
        done = job(project, "train")
        assert outcomes(done) == {"model": "ran"}
        assert (done.stood.live, done.stood.entry.why, done.to_json()["released"]) == (1, "job train", True)

        assert project.runs()[0].commit == "abc1234", "an image has no git to ask"

        again = job(project, "train")
        assert outcomes(again) == {"model": "unchanged"}
        assert (again.stood.live, again.stood.entry, again.to_json()["released"]) == (1, None, False)

    flats.edit("slipway.toml", "[model]", '[model]\ncannot_tell = "pass"')  # ten rows tell little
    flats.edit("pipeline.py", "DecisionTreeClassifier(", "ExtraTreeClassifier(")
    flats.edit("pipeline.py", "import DecisionTree", "import ExtraTree")
    with opened(flats) as project:
        assert job(project, "train").stood.live == 2

    flats.edit("slipway.toml", "[model]", "[model]\ngate = { log_loss = { max = -1.0 } }")
    flats.edit("pipeline.py", "random_state=7", "random_state=8")
    with opened(flats) as project:
        refused = job(project, "train")
        assert (refused.stood.live, refused.stood.gate.passed) == (2, False)
        assert project.standing().states[3] == "refused"


def test_what_another_job_makes_has_to_be_there_and_that_job_is_named(flats):
    told = (
        r"data/train.parquet is not here, which job `train` reads \(`train`\): job `prepare` makes it: .*--rm prepare"
    )
    with opened(flats) as project, pytest.raises(ProjectError, match=told):
        job(project, "train")


def test_a_first_candidate_that_is_refused_ends_the_job_with_the_gates_sentence(flats):
    toml = flats.root / "slipway.toml"
    toml.write_text(toml.read_text().replace("[model]", "[model]\ngate = { log_loss = { max = -1.0 } }"))
    with opened(flats) as project:
        job(project, "prepare")
        with pytest.raises(CheckRefused, match=r"Version 1 is refused and nothing is live: log_loss: asked at most -1"):
            job(project, "train")


def test_a_stage_that_fails_ends_the_job_with_its_own_message(flats):
    flats.edit("pipeline.py", "tested = int(", "raise ValueError('no rows left')\n    tested = int(")
    with opened(flats) as project, pytest.raises(StageError, match=r"(?s)stage `split`.*no rows left"):
        job(project, "prepare")


def test_a_job_waits_for_a_tracker_that_is_away(flats, monkeypatch):
    monkeypatch.setattr(jobs, "_AGAIN_SECONDS", 0.01)
    says = []
    with opened(flats, Away(3)) as project:
        job(project, "prepare")
        assert job(project, "train", say=says.append).stood.live == 1
    assert len(says) == 2
    assert re.search(r"MLflow is away\. The candidate is kept as pending .* Tried again for \d+ s\.", says[0])


def test_with_a_tracker_that_stays_away_the_candidate_is_kept_for_the_next_job_or_tick(flats):
    away = Away(2)
    with opened(flats, away) as project:
        job(project, "prepare")
        with pytest.raises(RegistrationPending, match=r"kept as pending .*the next run, gate or loop registers it"):
            job(project, "train", tracker_seconds=0)
        with pytest.raises(NothingLive):  # a tick needs something live, and still registers what waits
            project.loop()
        assert (away.calls, project.standing().candidate, project.storage.pending.all()) == (2, 1, [])
        assert job(project, "train").stood.live == 1


def test_data_is_pulled_and_what_was_made_is_pushed_where_the_job_says_so(flats, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    flats.write(".dvc/config", "[core]\n    analytics = false\n")
    with opened(flats, DVC_REMOTE_URL=str(tmp_path / "remote")) as project:
        assert job(project, "fetch").carried.said == "everything is here already."
        project.run()
        done = job(project, "keep")
        assert (outcomes(done), done.stood) == ({"metrics": "unchanged"}, None)
        assert done.to_json()["carried"]["said"] == "5 files pushed."


def test_other_kinds_and_unknown_names_are_told_apart(flats):
    with opened(flats) as project:
        with pytest.raises(ProjectError, match=r"services\.service\] is of kind api: .*kind job and data"):
            job(project, "service")
        with pytest.raises(ProjectError, match=r"no service is named `trian`\. Did you mean `train`"):
            job(project, "trian")
