import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors import OutsideError
from slipway.project.stack import Kind, Service, Stack
from slipway.stack.running.owner import OURS, owner_of, share
from slipway.stack.running.secrets import make_secrets, secret_names

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can give a file to somebody else")


def stack_of(*kinds: Kind, **options) -> Stack:
    return Stack("line", services={kind: Service(kind, kind) for kind in kinds}, **options)


WHOLE = stack_of("postgres", "mlflow", "prefect", "job", "api", remotes=("s3",))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def value(folder: Path, name: str) -> str:
    return (folder / "secrets" / name).read_text()


def test_each_service_that_logs_in_has_a_secret_of_its_own():
    assert secret_names(WHOLE) == (
        "postgres_password", "slipway_password", "slipway_api_password", "mlflow_password", "prefect_password",
        "api_token", "aws_credentials",
    )  # fmt: skip


def test_without_a_database_nobody_has_a_password():
    assert secret_names(stack_of("mlflow", "job", "api")) == ("api_token",)


def test_secrets_are_made_once_and_differ(tmp_path):
    first = make_secrets(tmp_path, WHOLE, {})
    values = {name: value(tmp_path, name) for name in first.made}
    again = make_secrets(tmp_path, WHOLE, {})
    assert again.made == ()
    assert again.there == first.made
    assert values == {name: value(tmp_path, name) for name in first.made}
    random = [text for name, text in values.items() if name != "aws_credentials"]
    assert len(set(random)) == len(random)
    assert all(len(text) >= 43 for text in random)
    assert values["api_token"].startswith("slw_")


@pytest.mark.parametrize("volumes", ["named", "folders"])
@pytest.mark.parametrize("before", [0o600, 0o400, 0o640, 0o644])
@pytest.mark.parametrize("name", [".env", ".env.local"])
def test_a_persons_dotenv_is_opened_to_nobody(tmp_path, volumes, before, name):
    (tmp_path / name).write_text("POSTGRES_PASSWORD=mine\n")
    (tmp_path / name).chmod(before)
    group = (tmp_path / name).stat().st_gid
    for _ in range(2):
        make_secrets(tmp_path, replace(WHOLE, volumes=volumes), {})
    assert (mode(tmp_path / name), (tmp_path / name).stat().st_gid) == (before, group)


def test_a_new_dotenv_is_for_its_owner_alone(tmp_path):
    make_secrets(tmp_path, WHOLE, {})
    assert mode(tmp_path / ".env") == 0o600
    assert "SLIPWAY_UID=" in (tmp_path / ".env").read_text()


def test_a_dotenv_that_is_a_link_stays_one(tmp_path):
    (tmp_path / "kept").write_text("A=1\n")
    (tmp_path / "kept").chmod(0o600)
    (tmp_path / ".env").symlink_to("kept")
    make_secrets(tmp_path, replace(WHOLE, volumes="folders"), {})
    assert (tmp_path / ".env").is_symlink()
    assert mode(tmp_path / "kept") == 0o600
    assert (tmp_path / "kept").read_text().startswith("A=1\nSLIPWAY_UID=")


def test_only_owner_and_group_read_them_and_git_takes_none(tmp_path):
    made = make_secrets(tmp_path, WHOLE, {}).made
    assert {mode(tmp_path / "secrets" / name) for name in made} == {0o440}
    assert mode(tmp_path / "secrets") == 0o755
    assert (tmp_path / "secrets/.gitignore").read_text() == "*\n"
    assert sorted(p.name for p in (tmp_path / "secrets").iterdir()) == sorted([".gitignore", *made])


def test_a_secret_that_is_there_is_given_back_its_rights(tmp_path):
    make_secrets(tmp_path, WHOLE, {})
    (tmp_path / "secrets/api_token").chmod(0o644)
    make_secrets(tmp_path, WHOLE, {})
    assert mode(tmp_path / "secrets/api_token") == 0o440


def test_the_environment_is_what_the_superusers_password_begins_with(tmp_path):
    kept = make_secrets(tmp_path, WHOLE, {"POSTGRES_PASSWORD": "of my own"})
    assert value(tmp_path, "postgres_password") == "of my own"
    assert kept.given == ("postgres_password",)
    assert value(tmp_path, "slipway_password") != "of my own"


def test_so_is_what_the_file_env_says_and_the_environment_comes_first(tmp_path):
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD='from the file'\nSLIPWAY_PASSWORD=too # mine\n")
    make_secrets(tmp_path, WHOLE, {"SLIPWAY_PASSWORD": "from outside"})
    assert value(tmp_path, "postgres_password") == "from the file"
    assert value(tmp_path, "slipway_password") == "from outside"


def test_a_later_value_is_said_and_the_file_stays(tmp_path):
    make_secrets(tmp_path, WHOLE, {"POSTGRES_PASSWORD": "the first"})
    kept = make_secrets(tmp_path, WHOLE, {"POSTGRES_PASSWORD": "the second"})
    assert value(tmp_path, "postgres_password") == "the first"
    (note,) = kept.notes
    assert note.startswith(
        "secrets/postgres_password has another value than POSTGRES_PASSWORD in the environment or .env; the file stays."
    )
    assert "the first" not in note
    assert "the second" not in note


def test_the_same_value_again_is_nothing_to_speak_of(tmp_path):
    make_secrets(tmp_path, WHOLE, {"API_TOKEN": "mine"})
    assert make_secrets(tmp_path, WHOLE, {"API_TOKEN": "mine"}).notes == ()


def test_nothing_that_is_said_has_a_value_in_it(tmp_path):
    kept = make_secrets(tmp_path, WHOLE, {"POSTGRES_PASSWORD": "hunter2"})
    said = "\n".join([*kept.lines(), str(kept.to_json())])
    assert not any(value(tmp_path, name) in said for name in kept.made if value(tmp_path, name))


def test_keys_of_a_store_go_into_a_file_as_its_own_tools_have_it(tmp_path):
    make_secrets(tmp_path, WHOLE, {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"})
    assert value(tmp_path, "aws_credentials") == "[default]\naws_access_key_id = id\naws_secret_access_key = key\n"


def test_an_empty_file_of_keys_says_how_it_is_filled_and_is_filled_later(tmp_path):
    kept = make_secrets(tmp_path, WHOLE, {})
    assert value(tmp_path, "aws_credentials") == ""
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in kept.notes[0]
    later = make_secrets(tmp_path, WHOLE, {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"})
    assert later.given == ("aws_credentials",)
    assert mode(tmp_path / "secrets/aws_credentials") == 0o440


def test_the_password_of_a_database_elsewhere_is_not_made_up(tmp_path):
    postgres = replace(WHOLE.services["postgres"], external=True)
    stack = replace(stack_of("postgres", "job"), services={"db": replace(postgres, name="db")})
    kept = make_secrets(tmp_path, stack, {})
    assert kept.made == ()
    assert kept.notes == (
        "secrets/slipway_password is missing: `db` runs elsewhere, so only you know the password of its role "
        "`slipway`: `SLIPWAY_PASSWORD=… slipway stack secrets` keeps it.",
    )
    assert make_secrets(tmp_path, stack, {"SLIPWAY_PASSWORD": "theirs"}).made == ("slipway_password",)


def test_the_owner_of_the_folder_is_written_down_beside_what_is_there(tmp_path):
    before = b"# mine\r\nPORT=8000"
    (tmp_path / ".env").write_bytes(before)
    make_secrets(tmp_path, WHOLE, {})
    owner = owner_of(tmp_path)
    added = f"\nSLIPWAY_UID={owner.uid}\nSLIPWAY_GID={owner.gid}\n".encode()
    assert (tmp_path / ".env").read_bytes() == before + added
    make_secrets(tmp_path, WHOLE, {})
    assert (tmp_path / ".env").read_bytes() == before + added


def test_another_user_in_env_stays_and_is_said(tmp_path):
    (tmp_path / ".env").write_text("SLIPWAY_UID=4711\n")
    (note,) = (note for note in make_secrets(tmp_path, WHOLE, {}).notes if "UID" in note)
    assert note.startswith(".env says SLIPWAY_UID=4711, which stays; going by whose the folder is, it would be ")
    assert "SLIPWAY_UID=4711\n" in (tmp_path / ".env").read_text()


def test_a_place_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "secrets").write_text("a file")
    with pytest.raises(OutsideError, match=r"secrets: the secret can't be kept: "):
        make_secrets(tmp_path, WHOLE, {})


@needs_root
def test_a_folder_of_roots_is_shared_with_the_containers_group(tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data/rows.csv").write_text("1\n")
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / ".git").mkdir(mode=0o755)
    make_secrets(tmp_path, replace(WHOLE, volumes="folders"), {})
    assert (mode(tmp_path / "data"), mode(tmp_path / "data/rows.csv"), mode(tmp_path / "run.sh")) == (
        0o2775, 0o664, 0o775,
    )  # fmt: skip
    assert {p.stat().st_gid for p in (tmp_path, tmp_path / "data", tmp_path / "secrets/api_token")} == {OURS}
    assert mode(tmp_path / "secrets/api_token") == 0o440
    assert mode(tmp_path / ".git") == 0o755
    assert owner_of(tmp_path).uid == OURS


@needs_root
def test_with_volumes_of_its_own_a_stack_has_no_business_in_roots_folder(tmp_path):
    (tmp_path / "rows.csv").write_text("1\n")
    before = mode(tmp_path / "rows.csv")
    make_secrets(tmp_path, WHOLE, {})
    assert (mode(tmp_path / "rows.csv"), (tmp_path / "rows.csv").stat().st_gid) == (before, 0)


@needs_root
def test_what_a_container_has_made_stays_its_own(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    os.chown(kept, 999, 999)
    share(tmp_path, owner_of(tmp_path))
    assert (mode(kept), kept.stat().st_gid) == (0o700, 999)


@needs_root
def test_in_somebodys_folder_secrets_are_theirs_though_root_makes_them(tmp_path):
    os.chown(tmp_path, 4711, 4712)
    make_secrets(tmp_path, WHOLE, {})
    made = (tmp_path / "secrets/api_token").stat()
    told = (tmp_path / ".env").stat()
    assert (made.st_uid, made.st_gid) == (told.st_uid, told.st_gid) == (4711, 4712)
    assert "SLIPWAY_UID=4711\nSLIPWAY_GID=4712\n" in (tmp_path / ".env").read_text()
