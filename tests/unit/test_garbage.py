import subprocess
import sys

CYCLE = "class Cycle: pass\ndef cycle():\n    made = Cycle(); made.itself = made; return weakref.ref(made)\n"


def said(code):
    """What a fresh process prints."""
    usual = "usual, frozen = gc.get_threshold(), gc.get_freeze_count()\n"
    begins = f"import gc, weakref\nfrom slipway import garbage\n{usual}{CYCLE}"
    done = subprocess.run([sys.executable, "-c", begins + code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_a_users_code_runs_as_python_has_it():
    code = "garbage.look_seldom()\nprint(gc.get_threshold() > usual)\n"
    code += "garbage.look_as_usual()\nprint(gc.get_threshold() == usual, gc.get_freeze_count() > frozen)"
    assert said(code) == ["True", "True", "True"]


def test_what_is_unused_after_that_is_found_even_if_it_is_said_again():
    code = "garbage.look_seldom()\ngarbage.look_as_usual()\nlost = cycle()\ngarbage.look_as_usual()\n"
    assert said(code + "gc.collect()\nprint(lost())") == ["None"]


def test_a_process_that_is_not_ours_is_left_alone():
    code = "garbage.look_as_usual()\nprint(gc.get_threshold() == usual, gc.get_freeze_count() == frozen)"
    assert said(code) == ["True", "True"]


def test_the_command_line_looks_seldom():
    code = "import slipway.__main__ as it, sys, atexit\nsys.argv[1:] = ['--help']\n"
    code += "atexit.register(lambda: print(gc.get_threshold() > usual))\nit.main()"
    assert said(code)[-1] == "True"
