import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import OutsideError
from slipway.journal import segment
from slipway.journal.spool import SpoolWriter, backlog, read_spool
from slipway.records import Prediction

json_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
labels = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@settings(deadline=None)
@given(st.dictionaries(st.text(), json_values), labels)
def test_what_is_read_is_what_was_written_types_included(tmp_path_factory, row, label):
    folder = tmp_path_factory.mktemp("spool")
    written = Prediction("a", 1.5, 3, row, label, {"x": 0.25}, 2.5, None)
    SpoolWriter(folder).write([written])
    (read,) = read_spool(folder)
    assert read == written
    assert repr(read) == repr(written)  # 1, 1.0 and True are equal, and are not the same label


def test_records_come_back_in_order_across_segments(tmp_path, answer, truth):
    writer = SpoolWriter(tmp_path, segment_bytes=500)
    written = [answer() if n % 3 else truth("p", n) for n in range(40)]
    for record in written:
        writer.write([record])
    assert len(segment.segments(tmp_path)) > 5
    assert read_spool(tmp_path) == written


def test_a_batch_is_one_write(tmp_path, answer, monkeypatch):
    writer = SpoolWriter(tmp_path)
    writer.write([answer()])
    calls = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: calls.append(len(data)) or write(handle, data))
    writer.write([answer() for _ in range(100)])
    assert len(calls) == 1


@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_torn_end_is_passed_over_and_the_rest_is_read(tmp_path, answer, lost):
    writer = SpoolWriter(tmp_path)
    first, second = answer(), answer()
    writer.write([first])
    writer.write([second])
    (path,) = segment.segments(tmp_path)
    os.truncate(path, path.stat().st_size - lost)
    chunk = segment.read_segment(path)
    assert chunk.records == (first,)
    assert chunk.is_torn
    assert not chunk.is_damaged


def test_a_changed_byte_is_noticed(tmp_path, answer):
    SpoolWriter(tmp_path).write([answer(), answer()])
    (path,) = segment.segments(tmp_path)
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    chunk = segment.read_segment(path)
    assert len(chunk.records) == 1
    assert chunk.is_damaged


def test_a_segment_of_another_format_is_refused_with_a_word(tmp_path):
    path = tmp_path / f"1-1-a{segment.SUFFIX}"
    path.write_bytes(b"slipway spool 9\n")
    with pytest.raises(OutsideError, match="written by another version of Slipway"):
        segment.read_segment(path)


def test_threads_do_not_mix_their_records(tmp_path, answer):
    writer = SpoolWriter(tmp_path, segment_bytes=20_000)

    def write():
        for _ in range(50):
            writer.write([answer(row={"text": "x" * 200}), answer()])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = read_spool(tmp_path)
    assert len(records) == len({r.id for r in records}) == 800


def test_what_waits_is_told_without_reading_it(tmp_path, answer):
    assert backlog(tmp_path / "none").bytes == 0
    SpoolWriter(tmp_path).write([answer()])
    found = backlog(tmp_path)
    assert found.segments == 1
    assert found.bytes == segment.segments(tmp_path)[0].stat().st_size - len(segment.HEADER)
    assert found.since is not None


def test_a_writer_holds_its_segment_until_it_ends_it(tmp_path, answer):
    writer = SpoolWriter(tmp_path)
    writer.write([answer()])
    (path,) = segment.segments(tmp_path)
    assert segment.is_written(path)
    writer.close()
    assert not segment.is_written(path)


def test_disk_durability_syncs_before_it_returns(tmp_path, answer, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    SpoolWriter(tmp_path, "process").write([answer()])
    assert synced == []
    SpoolWriter(tmp_path, "disk").write([answer()])
    assert len(synced) == 1


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from slipway.errors import OutsideError
from slipway.journal.spool import SpoolWriter, read_spool
from slipway.records import Prediction
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
writer, kept = SpoolWriter(Path(sys.argv[1])), []
for n in range(30):
    record = Prediction(str(n), 1.0, 1, {"text": "x" * (3000 if n == 12 else 150)}, "a")
    try:
        writer.write([record, record])
        kept.append(str(n))
    except OutsideError as error:
        assert "Free some disk space" in str(error), error
        refused = n
read = [r.id for r in read_spool(Path(sys.argv[1]))]
assert read == [key for key in kept for _ in "ab"], (read, kept)
assert 12 not in map(int, kept) and len(kept) < 30
print("fine")
"""


def test_what_does_not_fit_is_refused_whole_and_nothing_acknowledged_is_lost(tmp_path):
    # A limit on the size of a file stands for the full disk: the system then writes a part of what it is given.
    assert resource.RLIMIT_FSIZE
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "fine\n", done.stderr


KILLED = """
import sys
from pathlib import Path
from slipway.journal.spool import SpoolWriter
from slipway.records import Prediction
writer, n = SpoolWriter(Path(sys.argv[1]), segment_bytes=3000), 0
while True:
    writer.write([Prediction(str(n), 1.0, 1, {"text": "x" * 50}, "a")])
    print(n, flush=True)
    n += 1
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [next(process.stdout).strip() for _ in range(500)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    read = [record.id for record in read_spool(tmp_path)]
    assert read[: len(acknowledged)] == acknowledged
    assert len(read) - len(acknowledged) <= 1  # the one that was written and not yet told


def test_a_spool_that_is_deleted_under_its_writer_is_begun_anew(tmp_path, answer):
    writer = SpoolWriter(tmp_path / "spool")
    writer.write([answer("a")])
    shutil.rmtree(tmp_path / "spool")
    writer.write([answer("b")])
    assert [record.id for record in read_spool(tmp_path / "spool")] == ["b"]
