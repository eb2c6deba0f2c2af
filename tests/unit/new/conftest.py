import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread_each():
    """For the programs that tests start: threads of several of them would wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
