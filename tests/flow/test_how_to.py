"""What docs/how-to.md and docs/tutorial.md tell a reader to write and to type works as it stands there."""

import json
import random
import re
import shlex
import shutil

import polars as pl
import pytest

from pages import commands, section
from slipway import open_project
from slipway.new.write import new_project

HOW_TO, TUTORIAL = "docs/how-to.md", "docs/tutorial.md"


@pytest.fixture(scope="module")
def customers(tmp_path_factory):
    """A table as the tutorial has it: who complains often leaves."""
    draw = random.Random(7)
    rows = []
    for number in range(600):
        complaints, calls = min(5, int(draw.expovariate(1.0))), draw.randint(1, 60)
        leaves = draw.random() < 0.05 + 0.25 * complaints
        rows.append(
            {
                "customer_id": f"C{number:05}",
                "joined": f"{2019 + number // 110}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
                "plan": draw.choice(["basic", "plus", "pro"]),
                "country": draw.choice(["DE", "FR", "NL"]),
                "monthly_fee": draw.choice([9.9, 19.9, 39.9]),
                "calls": calls,
                "minutes": round(calls * draw.uniform(1, 6), 1),
                "complaints": complaints,
                "churned": "yes" if leaves else "no",
            }
        )
    place = tmp_path_factory.mktemp("tutorial") / "customers.csv"
    pl.DataFrame(rows).write_csv(place)
    return place


@pytest.fixture
def churn(tmp_path, customers):
    new_project(tmp_path / "churn", customers, "churned", with_git=False, with_dvc=False)
    return tmp_path / "churn"


def blocks(page, heading, language):
    return re.findall(rf"^```{language}\n(.*?)^```", section(page, heading), re.MULTILINE | re.DOTALL)


def with_model(code, snippet):
    """A module whose stage `model` is the page's, with the page's imports at its top."""
    lines = snippet.splitlines(keepends=True)
    imports = "".join(line for line in lines if re.match(r"(from|import) ", line))
    body = "".join(line for line in lines if not re.match(r"(from|import) ", line))
    start = code.index("@stage\ndef model(")
    end = code.index("@stage\ndef metrics(")
    changed = code[:start] + body.strip() + "\n\n\n" + code[end:]
    return changed.replace("import polars as pl\n", f"{imports}import polars as pl\n", 1).replace(
        '-> Pipeline:\n    """How', '-> dict:\n    """How'
    )


@pytest.mark.parametrize(("number", "needs"), [(0, "lightgbm"), (1, "xgboost"), (2, None)])
def test_another_model_is_trained_gated_and_released(churn, customers, number, needs):
    if needs is not None:
        try:
            __import__(needs)
        except OSError as error:
            pytest.skip(f"{needs} can't be loaded: {error}")
    module = churn / "pipeline.py"
    module.write_text(with_model(module.read_text(), blocks(HOW_TO, "Another model", "python")[number]))
    if needs is None:
        (toml,) = blocks(HOW_TO, "Another model", "toml")
        settings = churn / "slipway.toml"
        settings.write_text(settings.read_text().replace("[model]\n", toml, 1))
    with open_project(churn) as project:
        assert project.run().candidate == 1
        project.release(override="to see that it loads and answers")
        answers = project.predict(customers)
    assert answers["error"].null_count() == answers.height
    assert set(answers["prediction"]) <= {"yes", "no"}


def with_feature(code, page, heading):
    """A module whose `features` ends as the page has it."""
    (block,) = blocks(page, heading, "python")
    end = "    return cleaned.select(CATEGORIES + NUMBERS)\n"
    assert code.count(end) == 1
    changed = code.replace(end, "".join(f"    {line}\n" for line in block.splitlines()))
    return re.sub(r"^NUMBERS = \[", 'NUMBERS = ["minutes per call", ', changed, count=1, flags=re.MULTILINE)


def test_a_feature_a_slice_and_a_notebook_work_as_they_stand(churn, customers, tmp_path, monkeypatch):
    module, settings = churn / "pipeline.py", churn / "slipway.toml"
    module.write_text(with_feature(module.read_text(), HOW_TO, "A feature"))
    (toml,) = blocks(HOW_TO, "A slice", "toml")
    settings.write_text(settings.read_text().replace("[model]\n", toml, 1))
    with open_project(churn) as project:
        project.run()
        project.release()
        changed = project.run(sets=["model.penalty=2.0"]).candidate
        judged = {line.check for line in project.gate(changed).lines}
    assert {"log_loss by country", "log_loss by plan"} <= judged
    monkeypatch.chdir(tmp_path)
    shutil.copy(customers, "customers.csv")
    shutil.copy(customers, "later.csv")
    (notebook,) = blocks(HOW_TO, "A notebook", "python")
    seen = {}
    exec(notebook, seen)
    assert seen["answers"]["error"].null_count() == seen["answers"].height
    assert seen["report"].decision == "none"


def test_the_tutorial_leads_to_a_model_that_is_served_changed_retrained_and_rolled_back(slipway, customers):
    """Its commands in their order; the service listens where a port is free, and stays for the whole of it."""
    shutil.copy(customers, slipway.folder)
    project = slipway.folder / "churn"

    def carry_out(heading):
        said = {}
        for line in commands(TUTORIAL, heading):
            program, *arguments = shlex.split(line)
            assert program == "slipway"
            said[arguments[2] if arguments[0] == "-C" else arguments[0]] = slipway(*arguments)
        return said

    carry_out("2. A project from the table")
    up, *asked = commands(TUTORIAL, "3. The first version, served")
    with slipway.serving(*shlex.split(up)[1:], "--port", "0") as server:
        server.url = re.search(r"http://[\d.:]+", server.line())[0]
        answers = [server.ask(*body_of(each)) for each in asked[:2]]
        path, feedback = body_of(asked[2])
        server.ask(path, feedback | {"id": answers[1]["id"]})
        assert answers[1]["prediction"] in ("yes", "no")

        module = project / "pipeline.py"
        module.write_text(with_feature(module.read_text(), TUTORIAL, "4. Change something"))
        assert "code of `features` changed" in carry_out("4. Change something")["run"]
        assert server.ask("/health")["version"] == 2

        assert "monthly_fee" in carry_out("5. The world changes")["monitor"]
        assert "monthly_fee" in (slipway.folder / "drift.html").read_text(encoding="utf-8")
        assert server.ask("/health")["version"] == 3

        assert "verified" in carry_out("6. What was live, and back")["ledger"]
        assert server.ask("/health")["version"] == 2


def body_of(curl):
    """The path that a page's curl asks for, and its body."""
    words = shlex.split(curl)
    path = next(word for word in words if word.startswith("http")).removeprefix("http://127.0.0.1:8000")
    return path, json.loads(words[words.index("-d") + 1]) if "-d" in words else None
