"""Runs one server for a test, and ends it when the test is gone, however that ended.

The test holds the other end of standard input: commands come on it, one a line, its words parted
by tabs, and every command is answered by one line. When it closes, the server is killed by its
process id and the directory that it worked in is removed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile


class Supervisor:
    def __init__(self, parent):
        self.home = tempfile.mkdtemp(prefix="run-", dir=parent)
        self.server = None

    def start(self, *command):
        self.kill()
        with open(os.path.join(self.home, "log"), "ab") as log:
            self.server = subprocess.Popen(
                command, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return str(self.server.pid)

    def kill(self):
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None
        return "ended"

    def pause(self):
        self.server.send_signal(signal.SIGSTOP)
        return "paused"

    def resume(self):
        self.server.send_signal(signal.SIGCONT)
        return "resumed"

    def state(self):
        return "ended" if self.server is None or self.server.poll() is not None else "running"


def main():
    supervisor = Supervisor(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        print(supervisor.home, flush=True)
        for line in sys.stdin:
            command, *words = line.rstrip("\n").split("\t")
            print(getattr(supervisor, command)(*words), flush=True)
    except BrokenPipeError:
        pass
    finally:
        supervisor.kill()
        shutil.rmtree(supervisor.home, ignore_errors=True)


main()
