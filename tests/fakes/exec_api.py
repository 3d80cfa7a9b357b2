"""A fake of docker's API that runs a command in a container by calling a function."""

import io
from struct import pack
from types import SimpleNamespace


class ExecApi:
    """A fake engine; `answer(command, given, **options)` returns exit code, stdout and stderr."""

    def __init__(self, answer):
        self._answer = answer
        self._started = {}

    def exec_create(self, container, command, *, stdin=False, **options):
        del container, stdin
        name = f"exec-{len(self._started)}"
        self._started[name] = [command, options, 0]
        return {"Id": name}

    def exec_start(self, name, *, socket):
        assert socket
        return _Stream(self._started[name], self._answer)

    def exec_inspect(self, name):
        return {"ExitCode": self._started[name][2]}


class _Stream:
    """A connection: sent data are the input, and the answer is framed when it is read."""

    def __init__(self, started, answer):
        self._started, self._answer, self._given = started, answer, b""
        self._response = SimpleNamespace(raw=SimpleNamespace(_fp=SimpleNamespace(fp=self)))
        self._answered = None

    def settimeout(self, seconds):
        assert seconds is None

    def sendall(self, given):
        self._given += given

    def read(self, size):
        if self._answered is None:
            command, options, _ = self._started
            code, output, errors = self._answer(command, self._given, **options)
            self._started[2] = code
            framed = b"".join(
                pack(">BxxxL", which, len(data)) + data
                for which, data in ((1, output), (2, errors))
                if data
            )
            self._answered = io.BytesIO(framed)
        return self._answered.read(size)

    def close(self):
        """Do nothing, because no socket is open."""


def client_of(answer):
    """Return a client of an engine whose containers answer by `answer`."""
    return SimpleNamespace(api=ExecApi(answer))
