import pytest

from slipway.errors import ProjectError
from slipway.stack.graph import waits

JOBS = """
[stack.services]
fetch = { kind = "data", do = "pull" }
write = { kind = "job", stages = ["letter"] }
train = { kind = "job", stages = ["tree", "report"] }
prepare = { kind = "job", stages = ["fruit"] }
serve = { kind = "api" }
"""


def conditions(project, stack=None):
    found = waits(stack or project.stack, project)
    return {
        name: {other: wait.condition.removeprefix("service_") for other, wait in needed.items()}
        for name, needed in found.items()
    }


def names(project):
    return {name: set(needed) for name, needed in waits(project.stack, project).items()}


def behind(graph):
    """All that each waits for, directly or through others."""

    def of(name):
        return set(graph[name]).union(*(of(other) for other in graph[name]))

    return {name: of(name) for name in graph}


def test_a_job_waits_for_the_jobs_that_make_what_it_reads(fruit):
    done = "completed_successfully"
    assert conditions(fruit(JOBS)) == {
        "fetch": {},
        "prepare": {"fetch": done},
        "train": {"fetch": done, "prepare": done},
        "write": {"fetch": done, "train": done},
        "serve": {"train": done},
    }


def test_servers_are_waited_for_by_those_that_reach_them(fruit):
    servers = 'store = { kind = "postgres" }\nboard = { kind = "mlflow" }\nflows = { kind = "prefect" }\n'
    more = 'watch = { kind = "monitor" }\ncheck = { kind = "test" }\ndesk = { kind = "shell" }\n'
    found = conditions(fruit(JOBS + servers + more))
    assert found["board"] == found["flows"] == {"store": "healthy"}
    assert found["store"] == found["fetch"] == found["check"] == found["desk"] == {}
    assert {k: v for k, v in found["prepare"].items() if v == "healthy"} == {"store": "healthy", "flows": "healthy"}
    assert found["train"]["board"] == "healthy"  # the model's job alone registers anything
    assert found["serve"] == {"store": "healthy", "train": "completed_successfully"}
    assert found["watch"] == {
        "store": "healthy", "board": "healthy", "flows": "healthy", "train": "completed_successfully",
    }  # fmt: skip


def test_a_manual_order_is_what_after_says_and_no_more(fruit):
    stack = '[stack]\norder = "manual"\n' + JOBS.replace(
        'prepare = { kind = "job"', 'prepare = { kind = "job", after = ["fetch"]'
    )
    assert names(fruit(stack)) == {"fetch": set(), "prepare": {"fetch"}, "train": set(), "write": set(), "serve": set()}


def test_after_adds_to_what_the_graph_gives(fruit):
    stack = JOBS + 'desk = { kind = "shell" }\n'
    found = conditions(fruit(stack.replace('"job", stages = ["tree"', '"job", after = ["desk"], stages = ["tree"')))
    assert found["train"]["desk"] == "started"
    assert found["train"]["prepare"] == "completed_successfully"


def test_what_a_job_reads_of_itself_is_no_reason_to_wait(fruit):
    project = fruit('[stack.services]\nall = { kind = "job" }\nagain = { kind = "job" }\nserve = { kind = "api" }')
    assert names(project) == {"all": set(), "again": set(), "serve": {"all"}}


def test_a_service_of_a_profile_that_may_be_off_is_optional(fruit):
    stack = JOBS.replace('fetch = { kind = "data"', 'fetch = { kind = "data", profile = "cloud"')
    stack += (
        'store = { kind = "postgres", profile = "cloud" }\nkeep = { kind = "data", do = "push", profile = "cloud" }\n'
    )
    found = waits(fruit(stack).stack, fruit(stack))
    assert not found["prepare"]["fetch"].required
    assert not found["serve"]["store"].required
    assert found["train"]["prepare"].required


def test_an_api_with_replicas_is_waited_for_by_its_proxy(fruit):
    found = conditions(fruit(JOBS.replace('{ kind = "api" }', '{ kind = "api", scale = true }')))
    assert found["serve-proxy"] == {"serve": "healthy"}


def test_a_query_of_what_a_stage_publishes_waits_for_the_job_that_does(shaped):
    assert names(shaped("linear")) == {
        "database": set(),
        "data-prep": {"database"},
        "model-train": {"database", "data-prep"},
        "model-serve": {"database", "model-train"},
        "model-serve-proxy": {"model-serve"},
    }


def test_the_twelve_services_start_in_the_document_s_order(shaped):
    """Each service waits for what the document's table names, and for nothing else but the server it registers with."""
    document = {
        "dvc-pull": set(),
        "eda-pipeline": {"dvc-pull"},
        "ml-pipeline": {"dvc-pull", "eda-pipeline"},
        "compare": {"dvc-pull", "eda-pipeline"},
        "visualize": {"dvc-pull", "eda-pipeline"},
        "test": set(),
        "simulate-drift": {"dvc-pull", "eda-pipeline"},
        "detect-drift": {"dvc-pull", "eda-pipeline", "ml-pipeline", "simulate-drift"},
        "visualize-drift": {"detect-drift"},
        "api": {"ml-pipeline"},
        "mlflow": set(),
        "shell": set(),
    }
    found = names(shaped("obesity-eze"))
    assert found["ml-pipeline"] == document["ml-pipeline"] | {"mlflow"}
    ours = {name: needed - {"mlflow"} for name, needed in behind(found).items()}
    assert ours == behind(document)


def test_the_eight_services_wait_for_nothing(shaped):
    assert set(map(len, names(shaped("obesity-ali")).values())) == {0}


def test_services_that_wait_for_each_other_are_refused(fruit):
    stack = """
    [stack.services]
    a = { kind = "job", stages = ["fruit", "report"] }
    b = { kind = "job", stages = ["tree", "letter"] }
    """
    with pytest.raises(ProjectError, match=r"these wait for each other: a → b → a\. Let one job run those stages"):
        waits(fruit(stack).stack, fruit(stack))
