import subprocess
import sys
import textwrap
import threading

from slipway.serve.presence import FOLDER, Presence, ServiceState, running_services, wait_for_services

URL = "http://127.0.0.1:8000"


def test_a_service_is_found_with_what_it_has_in_use_until_it_ends(tmp_path):
    one, other = Presence(tmp_path, URL), Presence(tmp_path, "http://127.0.0.1:9000")
    one.tell(2, 5, None)
    other.tell(1, 3, "version 2 can't be used: " + "x" * 5_000)
    first, second = sorted(running_services(tmp_path), key=lambda service: service.url)
    assert first == ServiceState(URL, 2, 5)
    assert (second.version, second.problem[:24]) == (1, "version 2 can't be used:")
    assert oct((tmp_path / FOLDER).stat().st_mode & 0o777) == "0o700"
    one.close()
    assert [service.version for service in running_services(tmp_path)] == [1]
    other.close()
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_what_a_killed_service_left_is_no_service_and_is_removed(tmp_path):
    code = f"""
        import os, signal
        from pathlib import Path
        from slipway.serve.presence import Presence
        Presence(Path({str(tmp_path)!r}), {URL!r}).tell(7, 9, None)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, timeout=60)
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    assert running_services(tmp_path) == []
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_waiting_ends_as_soon_as_all_have_followed_or_one_says_why_not(tmp_path):
    quick, slow, refusing = (Presence(tmp_path, URL) for _ in range(3))
    quick.tell(3, 12, None)
    refusing.tell(2, 8, "version 3 can't be used")
    timer = threading.Timer(0.2, lambda: slow.tell(3, 12, None))
    timer.start()
    services = wait_for_services(tmp_path, 12, seconds=60)
    timer.join()
    assert all(service.has_followed(12) for service in services)
    for service in (quick, slow, refusing):
        service.close()


def test_waiting_ends_when_time_is_up(tmp_path):
    presence = Presence(tmp_path, URL)
    presence.tell(2, 8, None)
    (service,) = wait_for_services(tmp_path, 9, seconds=0.1)
    assert not service.has_followed(9)
    presence.close()


def test_without_services_nobody_waits(tmp_path):
    assert wait_for_services(tmp_path, 9, seconds=60) == []


def test_a_folder_that_cannot_be_written_keeps_no_service_from_its_work(tmp_path):
    (tmp_path / FOLDER).write_text("a file")
    presence = Presence(tmp_path, URL)
    presence.tell(1, 1, None)
    presence.close()
    assert running_services(tmp_path) == []
