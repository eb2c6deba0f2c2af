import json
import shlex

from hypothesis import given
from hypothesis import strategies as st

from slipway.serve.pages.sample import ask, curl_line


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_shell_gives_curl_the_body_as_it_is(value):
    body = json.dumps({"name": value}, ensure_ascii=False)
    words = shlex.split(curl_line("http://127.0.0.1:8000/predict", body, with_token=False))
    assert words[:4] == ["curl", "-X", "POST", "http://127.0.0.1:8000/predict"]
    assert words[-1] == body
    assert "Authorization" not in " ".join(words[:-1])


def test_a_token_is_taken_from_the_shells_own_variable():
    assert '-H "Authorization: Bearer $TOKEN"' in curl_line("http://x/predict", "{}", with_token=True)


def test_a_service_that_is_not_there_is_said_in_words():
    assert ask("http://127.0.0.1:1/predict", "{}").startswith("no answer: ")
