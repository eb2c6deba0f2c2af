from xml.etree import ElementTree

import pytest

from slipway.errors import ProjectError
from slipway.stack.picture import picture


def test_the_text_has_a_line_a_service_after_those_that_it_waits_for(shaped):
    project = shaped("linear")
    assert picture(project.stack, project, "text").splitlines() == [
        "- → database  (postgres :5432)",
        "database → data-prep  (job)",
        "data-prep → model-train  (job)",
        "model-train → model-serve  (api)",
        "model-serve → model-serve-proxy  (proxy :5000)",
    ]


def test_an_arrow_that_follows_from_others_is_not_drawn(shaped):
    project = shaped("obesity-eze")
    lines = picture(project.stack, project, "text").splitlines()
    assert "detect-drift → visualize-drift  (job)" in lines
    assert "eda-pipeline, mlflow → ml-pipeline  (job)" in lines


def test_mermaid_names_no_box_with_a_word_of_its_own(fruit):
    project = fruit('[stack.services]\nend = { kind = "job" }\nsubgraph = { kind = "api", port = 8000 }')
    assert picture(project.stack, project, "mermaid").splitlines() == [
        "flowchart LR",
        '    s0["end<br/>job"]',
        '    s1["subgraph<br/>api :8000"]',
        "    s0 --> s1",
    ]


def test_the_svg_is_one_file_with_every_service(project):
    root = ElementTree.fromstring(picture(project.stack, project, "svg"))
    told = "".join(root.itertext())
    assert all(name in told for name in project.stack.services)
    assert "http" not in told


def test_another_form_is_refused(shaped):
    project = shaped("linear")
    with pytest.raises(ProjectError, match=r"--format png: expected one of text, mermaid, svg"):
        picture(project.stack, project, "png")
