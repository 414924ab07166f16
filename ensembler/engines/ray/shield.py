"""The process between a task and the process of its job. Ray kills it, and not the job, when the driver has died.

Ray kills the children of its workers. So the process of a job is a grandchild in a session of its own: it learns of the
death of the driver by the end of its standard input, saves its state, and ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Start a process, write its number to a pipe, wait for it, and end in the same way.

    Parameters
    ----------
    arguments
        Descriptor of the pipe, and the words of the command.

    Returns
    -------
    int
        Exit code of the process. If a signal ended it, that signal ends this process too.
    """
    pipe, *command = arguments
    # Ray's workers end by signals that only they should receive.
    process = subprocess.Popen(command, start_new_session=True)
    with os.fdopen(int(pipe), "w", encoding="ascii") as opened:
        opened.write(str(process.pid))
    code = process.wait()
    if code < 0:
        number = -code
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
