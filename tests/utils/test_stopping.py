"""A program that is signalled ends: in order, or for certain; real processes without torch."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.program import REPOSITORY

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no such signals")
BEGIN = """
import multiprocessing, os, signal, sys, time
from pathlib import Path
from posture_classifier.utils import stopping
from posture_classifier.utils.stopping import at_stop, consequences_as_stop, ending_in_order
stopping.GRACE = 0.5
ready = Path(sys.argv[1])

def wait():
    ready.write_text(str(os.getpid()))
    time.sleep(60)
"""
IN_ORDER = """
with ending_in_order(), at_stop(lambda cause: "all is written"):
    wait()
"""
DEAF = """
with ending_in_order(), at_stop(lambda cause: "all is written"):
    while True:
        try:
            wait()
        except BaseException:
            print("went on")
"""
NESTED = """
with ending_in_order(), at_stop(lambda cause: "outer"), at_stop(lambda cause: "inner"):
    wait()
"""
BROKEN_WILL = """
def fail(cause):
    raise OSError("no room")
with ending_in_order(), at_stop(fail):
    wait()
"""
CONSEQUENCE = """
with ending_in_order(), consequences_as_stop():
    try:
        wait()
    except BaseException:
        raise RuntimeError("a worker is gone")
"""
OTHER_RANK = """
os.environ["RANK"] = "1"
with ending_in_order(), at_stop(lambda cause: "all is written"):
    wait()
"""


def run(script: str, folder: Path, number: int, *prefix: str) -> tuple[int, str]:
    """Exit code and standard error of a script that is signalled once it waits."""
    ready = folder / "ready"
    command = [*prefix, sys.executable, "-c", BEGIN + script, str(ready)]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        while not (ready.exists() and ready.read_text()):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, number)
        said = process.communicate()[1]
        return process.returncode, said


@pytest.mark.parametrize(
    ("script", "number", "code", "said"),
    [
        pytest.param(IN_ORDER, signal.SIGTERM, 143, "stopped by SIGTERM; all is written\n", id="a scheduler"),
        pytest.param(IN_ORDER, signal.SIGINT, 130, "stopped by Ctrl-C; all is written\n", id="Ctrl-C"),
        pytest.param(IN_ORDER, signal.SIGHUP, 129, "stopped by SIGHUP; all is written\n", id="a closed terminal"),
        pytest.param(DEAF, signal.SIGTERM, 143, "stopped by SIGTERM; all is written\n", id="what does not end by itself"),
        pytest.param(NESTED, signal.SIGTERM, 143, "stopped by SIGTERM; outer\n", id="a part of something larger"),
        pytest.param(BROKEN_WILL, signal.SIGTERM, 143, "stopped by SIGTERM; no room\n", id="a full disk"),
        pytest.param(CONSEQUENCE, signal.SIGTERM, 143, "stopped by SIGTERM\n", id="an error that follows from it"),
        pytest.param(OTHER_RANK, signal.SIGTERM, 143, "", id="one of many ranks"),
    ],
)
def test_a_signal_ends_the_program_with_one_sentence(tmp_path: Path, script: str, number: int, code: int, said: str) -> None:
    assert run(script, tmp_path, number) == (code, said)


def test_what_was_ignored_before_the_program_began_stays_ignored(tmp_path: Path) -> None:
    """A script that runs the program in its background has the shell set Ctrl-C to be ignored."""
    script = "import signal; print(signal.getsignal(signal.SIGINT), file=sys.stderr)\n" + IN_ORDER.replace(
        "    wait()", "    print(signal.getsignal(signal.SIGINT), file=sys.stderr, flush=True)\n    wait()"
    )
    code, said = run(script, tmp_path, signal.SIGTERM, "sh", "-c", 'trap "" INT; exec "$@"', "sh")
    assert code == 143
    assert said.count(str(signal.SIG_IGN)) == 2


def test_a_forked_process_is_no_second_program(tmp_path: Path) -> None:
    """Such as a worker that loads photos: signalled alone, it ends, and the program does not."""
    script = """
def work():
    wait()
with ending_in_order(), at_stop(lambda cause: "all is written"):
    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    while not (ready.exists() and ready.read_text()):
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGTERM)
    worker.join()
    print(worker.exitcode, file=sys.stderr, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN + script, str(tmp_path / "ready")], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert int(process.stderr.readline()) == -signal.SIGTERM
        process.terminate()
        assert process.communicate()[1] == "stopped by SIGTERM; all is written\n"
        assert process.returncode == 143


def test_a_rank_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Even if that was killed: the rank is no orphan that holds a GPU."""
    script = """
if os.environ.get("LOCAL_RANK") is None:
    import subprocess
    environment = dict(os.environ, LOCAL_RANK="1") | {stopping.LAUNCHER: str(os.getpid())}
    subprocess.Popen([sys.executable, "-c", sys.argv[2], *sys.argv[1:]], env=environment)
    time.sleep(60)
with ending_in_order():
    wait()
"""
    ready, text = tmp_path / "ready", BEGIN + script
    with subprocess.Popen(
        [sys.executable, "-c", text, str(ready), text], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as first:
        while not (ready.exists() and ready.read_text()):
            time.sleep(0.01)
        first.kill()
        assert "rank 0" in first.communicate()[1], "of the rank, whose end closes the pipe"
