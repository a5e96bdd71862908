"""A program that calls `archbench.run` keeps what is its own: files, folders, processes, threads and main module."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SECTIONS = """
import atexit
import archbench

atexit.register(lambda: open("of_the_plugin", "a").write("once "))

@archbench.hookimpl
def archbench_leaderboard_sections(records):
    globals().setdefault("seen", open("seen", "w")).write(f"{len(records)} seen")
    return []
"""
"""A plugin whose hook is called in a copy of the program, and whose file is written when that copy ends."""

RUN = "archbench.run('mlp[width=8]', tasks='digits', protocol='smoke', observer=archbench.Observer(), {more})"


def run(tmp_path: Path, program: str, *, more: str) -> str:
    """Return what a program with a run in the place of `RUN` prints."""
    (tmp_path / "sections.py").write_text(SECTIONS)
    (tmp_path / "program.py").write_text(textwrap.dedent(program).replace("RUN", RUN.format(more=more)))
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_end_of_a_plugin_is_not_that_of_the_program(tmp_path: Path) -> None:
    """A plugin makes sections in a copy of the program, at whose end only its own handlers run; no line comes twice."""
    program = """
    import archbench, atexit, multiprocessing, os, tempfile, time

    folder, file, me = tempfile.TemporaryDirectory(), open("lines", "w"), os.getpid()
    file.write("1 ")
    atexit.register(lambda: print("handler", os.getpid() == me, flush=True))
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,), daemon=True)
    child.start()
    RUN
    print("folder", os.path.exists(folder.name), flush=True)
    print("child", child.is_alive(), flush=True)
    file.write("2")
    file.close()
    print("lines", open("lines").read(), flush=True)
    print("plugin", open("of_the_plugin").read() + open("seen").read(), flush=True)
    """
    said = run(tmp_path, program, more="out='out', seeds=1, plugin_files='sections.py'.split()")

    assert said.splitlines() == ["folder True", "child True", "lines 1 2", "plugin once 1 seen", "handler True"]


@pytest.mark.slow
def test_processes_of_the_program_are_left_alone(tmp_path: Path) -> None:
    """The program has a server of multiprocessing of its own, and its main module all the time."""
    program = """
    import archbench, multiprocessing, sys, threading, time

    def watch():
        while not over:
            mains.add(id(sys.modules["__main__"]))
            time.sleep(0.0001)

    def start():
        time.sleep(5)
        children.append(multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(300,), daemon=True))
        children[0].start()

    if __name__ == "__main__":
        mains, children, over = set(), [], False
        threads = [threading.Thread(target=watch), threading.Thread(target=start)]
        for thread in threads:
            thread.start()
        print(RUN)
        over = True
        for thread in threads:
            thread.join()
        print(children[0].is_alive(), mains == {id(sys.modules["__main__"])})
    """

    assert run(tmp_path, program, more="out='out', seeds=12, workers=1") == "12 records in out: 12 ok\nTrue True\n"


@pytest.mark.slow
def test_runs_in_threads_do_not_end_each_other(tmp_path: Path) -> None:
    """Runs in threads of one program share the server of trials, and each ends only what its own trials left."""
    program = """
    import archbench, threading

    def work(n):
        found[n] = str(RUN)

    found = {}
    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sorted(found.values()))
    """
    said = run(tmp_path, program, more="out=f'out{n}', seeds=4")

    assert said == "['4 records in out0: 4 ok', '4 records in out1: 4 ok']\n"
