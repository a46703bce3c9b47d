"""`swath` and `python` without their start: a process that has imported everything forks one for each command.

Importing what a command needs takes 1.3 s of processor time, and the suite runs some hundred commands. A forked
command is a process of its own, with its own arguments, environment, folder and streams, that ends with its own exit
code. What depends on the start itself (`test_layout`, servers, killed processes) starts Python as a user does.
"""

from __future__ import annotations

import array
import atexit
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]

SOCKET = "SWATH_TEST_FORKING"
"""Environment variable with the path of the socket at which commands are asked for."""

NEEDED = (
    "swath._cli",
    "api",
    "cql2",
    "evaluation",
    "numba",
    "onnxruntime",
    "rasterio",
    "retriever.engine",
    "retriever.rag",
)
"""Modules that commands import when they run."""

CLIENT = """#!{python} -ISE
import array, json, os, socket, sys
asked = json.dumps([{name!r}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
line = socket.socket(socket.AF_UNIX)
line.connect({socket!r})
line.sendmsg([len(asked).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
line.sendall(asked)
sys.exit(int.from_bytes(line.recv(1), "big"))
"""
"""What a shell finds under the names of `swath` and `python`; ends with the command's exit code, and takes it along."""


@contextmanager
def forking() -> Iterator[Path]:
    """Start the process that forks; yield a folder with `swath` and `python` in it, to go first on the PATH."""
    with tempfile.TemporaryDirectory(prefix="fork-") as name:
        address = str(Path(name) / "socket")
        ready, theirs = os.pipe()
        command = [sys.executable, "-m", "tests.integration.forking", address, str(theirs)]
        with subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs], stdin=subprocess.DEVNULL) as server:
            os.close(theirs)
            assert os.read(ready, 1) == b"1", "the process that forks did not start"
            os.close(ready)
            yield _clients(Path(name) / "bin", address)
            server.terminate()


def _clients(folder: Path, address: str) -> Path:
    folder.mkdir()
    for name in ("swath", "python"):
        (folder / name).write_text(CLIENT.format(python=sys.executable, name=name, socket=address))
        (folder / name).chmod(0o755)
    return folder


def serve(address: str, ready: int) -> None:
    """Fork a process for each command that is asked for, until terminated; a client that goes ends its command."""
    _import_all()
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    os.write(ready, b"1")
    os.close(ready)
    running: dict[int, socket.socket] = {}
    while True:
        lines = {line: pid for pid, line in running.items()}
        for found in select.select([listening, woken, *lines], [], [])[0]:
            if found is listening:
                _start(listening.accept()[0], running)
            elif found is woken:
                woken.recv(4096)
            elif pid := lines.get(found):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                running.pop(pid).close()
        _reap(running)


def _reap(running: dict[int, socket.socket]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            code = os.waitstatus_to_exitcode(ended[1])
            line = running.pop(ended[0], None)
            if line is not None:
                line.sendall((code if code >= 0 else 128 - code).to_bytes(1, "big"))
                line.close()


def _start(line: socket.socket, running: dict[int, socket.socket]) -> None:
    size, ancillary, _, _ = line.recvmsg(8, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    streams = array.array("i", ancillary[0][2])
    name, arguments, folder, environment = json.loads(_read(line, int.from_bytes(size, "big")))
    pid = os.fork()
    if pid:
        for stream in streams:
            os.close(stream)
        running[pid] = line
        return
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        code = _code(name, arguments)
    except BaseException:
        traceback.print_exc()
        code = 1
    with suppress(BaseException):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _read(line: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += line.recv(size - len(got))
    return got


def _code(name: str, arguments: list[str]) -> int:
    """Run the command as its own start would and return its exit code."""
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        if name == "swath":
            sys.argv = ["swath", *arguments]
            from swath._cli import main

            main()
        else:
            _python(arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    return 0


def _python(arguments: list[str]) -> None:
    kind, *rest = arguments
    sys.path[0] = ""
    if kind in {"-c", "-"}:
        text, arguments = (rest[0], rest[1:]) if kind == "-c" else (sys.stdin.read(), rest)
        sys.argv = [kind, *arguments]
        exec(compile(text, "<string>", "exec"), vars(sys.modules["__main__"]))  # noqa: S102  # what `python -c` does
    elif kind == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(kind, run_name="__main__")


def _import_all() -> None:
    """Import what commands import when they run; nothing of it is used, so that no thread is lost in a fork."""
    import lancedb.background_loop

    lancedb.background_loop._FORK_WARNED = True
    for name in (
        "swath._cli",
        "api",
        "cql2",
        "evaluation",
        "numba",
        "onnxruntime",
        "rasterio",
        "retriever.engine",
        "retriever.rag",
    ):
        __import__(name)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
