import json
import shutil
from hashlib import sha256

import numpy as np
import polars as pl
import pytest

from slipway.errors import BundleError
from slipway.model.bundle import open_bundle, same_model
from slipway.model.manifest import FORMAT
from slipway.model.store import BundleStore


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle.folder, tmp_path / "copy")


def edit(folder, **changes):
    path = folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_bundle_is_what_its_sha256_says(bundle, copy):
    assert bundle.sha256 == sha256((copy / "bundle.json").read_bytes()).hexdigest()
    assert open_bundle(copy, bundle.sha256).manifest == bundle.manifest
    with pytest.raises(BundleError, match=f"this is bundle {bundle.sha256[:12]}, not 000000000000: nothing of it"):
        open_bundle(copy, "0" * 64)


@pytest.mark.parametrize("name", ["model.skops", "stages.py", "profile.json", "test.parquet", "frozen/rates.parquet"])
def test_a_flipped_byte_is_found_before_anything_is_loaded(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(
        BundleError, match=r"its content is not what was registered .* nothing of the bundle was loaded"
    ):
        open_bundle(copy)


def test_a_file_that_is_missing_is_named(copy):
    (copy / "model.skops").unlink()
    with pytest.raises(BundleError, match=r"model\.skops: can't be read"):
        open_bundle(copy)


def test_a_newer_format_is_refused_with_the_remedy(copy):
    edit(copy, format=FORMAT + 1)
    with pytest.raises(BundleError, match=rf"format {FORMAT + 1}, this Slipway reads up to {FORMAT}\. Update Slipway"):
        open_bundle(copy)


@pytest.mark.parametrize("format", [None, "1", 0])
def test_what_has_no_format_is_no_bundle(copy, format):
    edit(copy, format=format)
    with pytest.raises(BundleError, match="not a bundle's manifest"):
        open_bundle(copy)


def test_a_manifest_that_lacks_a_part_is_damaged(copy):
    edit(copy, classes=None)
    with pytest.raises(BundleError, match="manifest is damaged"):
        open_bundle(copy)


def test_a_manifest_cannot_name_a_file_outside_the_bundle(bundle, copy):
    (copy.parent / "secret").write_text("x")
    edit(copy, files=dict(bundle.manifest.files) | {"../secret": sha256(b"x").hexdigest()})
    with pytest.raises(BundleError, match="names a file outside itself"):
        open_bundle(copy)


def test_a_manifest_that_leaves_the_model_out_is_refused(bundle, copy):
    edit(copy, files={name: digest for name, digest in bundle.manifest.files.items() if name != "model.skops"})
    with pytest.raises(BundleError, match=r"has no model\.skops"):
        open_bundle(copy)


def test_a_folder_without_a_bundle_says_so(tmp_path):
    with pytest.raises(BundleError, match=r"no bundle here: bundle\.json can't be read"):
        open_bundle(tmp_path)


def test_the_same_run_gives_the_same_bundle(project):
    from .conftest import loans

    project.write(loans()).run()
    first = project.build("first")
    project.run()
    assert project.build("second").sha256 == first.sha256


def test_the_same_model_is_recognised_whatever_was_reported_of_it(bundle, copy):
    edit(copy, reported={"accuracy": 0.1})
    assert same_model(bundle, open_bundle(copy))
    assert bundle.sha256 != open_bundle(copy).sha256


@pytest.mark.parametrize("part", ["settings", "model", "routes", "frozen"])
def test_another_part_is_another_model(bundle, copy, part):
    values = json.loads((copy / "bundle.json").read_text())
    if part == "settings":
        values["stages"][0]["settings"] = {"unit": 2.0}
    elif part == "routes":
        values["routes"] = [{"path": "/x", "request": None, "response": None, "invalid_status": 422}]
    else:
        name = "model.skops" if part == "model" else "frozen/rates.parquet"
        with (copy / name).open("ab") as file:
            file.write(b"\0")
        values["files"][name] = sha256((copy / name).read_bytes()).hexdigest()
    (copy / "bundle.json").write_text(json.dumps(values))
    assert not same_model(bundle, open_bundle(copy))


def test_rows_are_recognised_by_a_bundle_whatever_the_order_of_columns(bundle):
    rows = bundle.test_rows()
    known, shuffled = bundle.hashes(rows), bundle.hashes(rows.select(reversed(rows.columns)))
    assert (known == shuffled).all()
    assert not np.isin(known, bundle.trained_rows()).any()
    assert bundle.hashes(rows.drop("repaid")) is None


def test_the_store_keeps_a_bundle_once_and_opens_it_verified(bundle, tmp_path):
    store = BundleStore(tmp_path / "bundles")
    assert store.put(bundle.folder) == store.put(bundle.folder) == bundle.sha256
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == [bundle.sha256]
    assert store.open(bundle.sha256).manifest == bundle.manifest
    with (store.path(bundle.sha256) / "stages.py").open("a") as file:
        file.write("import os\n")
    with pytest.raises(BundleError, match="nothing of the bundle was loaded"):
        store.open(bundle.sha256)


def test_a_bundle_that_the_store_has_not_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"bundle abcdef123456 is not in .*train again"):
        BundleStore(tmp_path).open("abcdef1234567890")


def test_the_profile_is_of_what_the_stages_give_and_counts_what_came_in(bundle):
    assert list(bundle.profile.columns) == list(bundle.manifest.features.polars)
    assert set(bundle.profile.missing) == set(bundle.schema.names)
    window = pl.DataFrame(bundle.sample()).drop("repaid")
    assert bundle.profile.missing["town"] > 0
    assert window.width == len(bundle.schema.names)
