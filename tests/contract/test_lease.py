import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def test_nobody_holds_it_at_first(storage):
    assert storage.lease.holder("retrain") is None


def test_one_holder_at_a_time_and_each_name_for_itself(storage):
    assert storage.lease.acquire("retrain", "ana", 60)
    assert not storage.lease.acquire("retrain", "bo", 60)
    assert storage.lease.acquire("watch", "bo", 60)
    assert (storage.lease.holder("retrain"), storage.lease.holder("watch")) == ("ana", "bo")


def test_what_is_given_back_can_be_taken(storage):
    storage.lease.acquire("retrain", "ana", 60)
    storage.lease.release("retrain", "ana")
    assert storage.lease.holder("retrain") is None
    assert storage.lease.acquire("retrain", "bo", 60)


def test_nobody_gives_back_what_is_anothers(storage):
    storage.lease.acquire("retrain", "ana", 60)
    storage.lease.release("retrain", "bo")
    assert storage.lease.holder("retrain") == "ana"


def test_it_lapses_unless_its_holder_says_that_it_lives(storage):
    storage.lease.acquire("retrain", "ana", 0.05)
    time.sleep(0.06)
    assert storage.lease.holder("retrain") is None
    assert storage.lease.acquire("retrain", "bo", 0.05)
    assert storage.lease.acquire("retrain", "bo", 60)
    time.sleep(0.06)
    assert storage.lease.holder("retrain") == "bo"


def test_a_lapsed_holder_who_comes_back_late_has_lost_it(storage):
    storage.lease.acquire("retrain", "ana", 0.01)
    time.sleep(0.02)
    storage.lease.acquire("retrain", "bo", 60)
    assert not storage.lease.acquire("retrain", "ana", 60)


def test_of_many_threads_one_gets_it(open_backend):
    leases = [open_backend().lease for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for turn in range(10):
            taken = list(pool.map(lambda n, turn=turn: leases[n].acquire(f"{turn}", f"{n}", 60), range(4)))
            assert taken.count(True) == 1


def test_of_several_processes_that_also_make_the_tables_one_gets_it(environment, tmp_path):
    program = (
        "import os, sys, pathlib; from slipway.settings import read_settings; from slipway.storage import open_storage;"
        "storage = open_storage(read_settings(pathlib.Path(sys.argv[1])));"
        "print(storage.lease.acquire('retrain', str(os.getpid()), 60)); storage.close()"
    )
    told = {**os.environ, **environment}
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env=told, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in started]
    assert sorted(said) == ["False", "False", "False", "True"]


def test_who_renews_in_time_keeps_it(storage):
    storage.lease.acquire("retrain", "ana", 60)
    assert storage.lease.renew("retrain", "ana", 60)
    assert not storage.lease.renew("retrain", "bo", 60)
    assert not storage.lease.renew("watch", "ana", 60)
    assert storage.lease.holder("retrain") == "ana"


def test_what_has_lapsed_can_not_be_renewed_even_if_nobody_took_it(storage):
    storage.lease.acquire("retrain", "ana", 0.01)
    time.sleep(0.02)
    assert not storage.lease.renew("retrain", "ana", 60)
    assert storage.lease.holder("retrain") is None
