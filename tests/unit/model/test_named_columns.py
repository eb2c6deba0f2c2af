import pytest

from slipway.errors import ProjectError

from .conftest import TOML, loans


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ('[api]\npersonal = ["Town"]', r"\[api\] personal names `Town`, .* Did you mean `town`\?"),
        ('[api]\npersonal = ["town", "e-mail"]', r"\[api\] personal names `e-mail`, .* Known here: .*town"),
        ('[api]\njournal = ["jobs"]', r"\[api\] journal names `jobs`, .* Did you mean `job`\?"),
    ],
)
def test_a_column_that_is_not_there_is_refused_by_name(project, said, refusal):
    project.write(loans(), toml=f"{TOML}\n{said}\n").run()
    with pytest.raises(ProjectError, match=refusal):
        project.build()


def test_a_slice_of_no_column_is_refused_rather_than_never_compared(project):
    project.write(loans(), toml=TOML.replace("[model]\n", '[model]\nslices = ["town", "is_membr"]\n')).run()
    with pytest.raises(ProjectError, match=r"\[model\] slices names `is_membr`, .* Did you mean `is_member`\?"):
        project.build()
