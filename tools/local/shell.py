"""A shell whose commands talk to the local cloud, and whose prompt says so."""

import shlex
import subprocess
import sys

from tools.local.cloud import ROOT, UNSET, LocalCloud

# With these a make in the shell would take itself for a part of the one that started it.
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")

# A prompt each time, since the cloud may end, or start anew at other ports, while the shell is open.
PROMPT = r"""
local_cloud_prompt() {
    if grep -qsF "\"$AWS_ENDPOINT_URL\"" "$LOCAL_CLOUD/servers.json"
    then PS1="(local cloud) $local_cloud_ps1"
    else
        echo "The local cloud of this shell has ended: exit leaves it." >&2
        PS1="(local cloud has ended) $local_cloud_ps1"
    fi
}
local_cloud_ps1=$PS1
PROMPT_COMMAND=local_cloud_prompt
"""


def run_shell(cloud: LocalCloud) -> int:
    """Run bash until it is left; without a terminal it runs the commands on standard input.

    Returns the exit status of those commands, 0 where a person left the shell.
    """
    environment = {name: value for name, value in cloud.environment().items() if name not in OF_MAKE}
    # A closed stdin is None.
    if sys.stdin is None or not sys.stdin.isatty():
        stdin = subprocess.DEVNULL if sys.stdin is None else None
        return subprocess.run(["bash", "-s"], cwd=ROOT, env=environment, stdin=stdin, check=False).returncode
    # Again after the user's own file, which may lead elsewhere.
    exports = [f"export {name}={shlex.quote(value)}" for name, value in cloud.variables().items()]
    path = f"export PATH={shlex.quote(environment['PATH'])}"
    lines = ["[ ! -f ~/.bashrc ] || . ~/.bashrc", f"unset {' '.join(UNSET)}", *exports, path, PROMPT]
    start_file = cloud.folder / "bashrc"
    start_file.write_text("\n".join(lines))
    print("This shell talks to the local cloud. exit leaves it.", flush=True)
    subprocess.run(["bash", "--rcfile", str(start_file), "-i"], cwd=ROOT, env=environment, check=False)
    return 0
