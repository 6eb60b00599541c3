"""A Slurm of its own on this machine, for tests: munged, slurmctld and slurmd in a folder, on free ports.

As a program it is the guard that ends it: once its standard input ends, which happens also when the test is killed, it kills all
processes that have SLURM_CONF=ARGUMENT in their environment, the daemons and the jobs alike."""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

CONFIGURATION = """\
ClusterName=tessera
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits for the credential of its last start to expire.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
TmpFS={folder}/tmp
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
ReturnToService=2
KillWait=5
JobRequeue=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus}
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "srun", "scancel")
WITH_SYSTEM_FOLDERS = os.environ["PATH"] + ":/usr/sbin:/sbin"


class Unavailable(Exception):
    """Slurm cannot be started here."""


def free_ports(count):
    sockets = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def processes_of(configuration):
    """Folders in /proc of the processes of a Slurm with this configuration file."""
    ours = f"SLURM_CONF={configuration}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if ours in (folder / "environ").read_bytes().split(b"\0"):
                yield folder
        except OSError:
            pass  # ended meanwhile


def end_all(configuration):
    while processes := list(processes_of(configuration)):
        for process in processes:
            try:
                os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.1)


def wait_until(condition, what, timeout=300, report=lambda: ""):
    """Polls; the timeout is only there so that a test that hangs ends, with a report."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s still waiting for {what}\n{report()}")
        time.sleep(0.02)


class JobState(NamedTuple):
    name: str
    number: str  # its own, which for a task of an array is not the array's
    restarts: int


class Slurm:
    """Starts with the constructor and ends with stop()."""

    def __init__(self, folder):
        missing = [name for name in PROGRAMS if not shutil.which(name, path=WITH_SYSTEM_FOLDERS)]
        if missing:
            raise Unavailable(f"not installed: {', '.join(missing)}")
        self.folder = Path(folder)
        self.daemons = []
        self.configuration = self.folder / "slurm.conf"
        self.environment = {**os.environ, "PATH": WITH_SYSTEM_FOLDERS, "SLURM_CONF": str(self.configuration)}
        for name in ("state", "spool", "tmp"):
            (self.folder / name).mkdir()
        controller_port, node_port = free_ports(2)
        self.configuration.write_text(CONFIGURATION.format(
            folder=self.folder, host=socket.gethostname().split(".")[0], user=pwd.getpwuid(os.geteuid()).pw_name,
            controller_port=controller_port, node_port=node_port, cpus=max(2, len(os.sched_getaffinity(0)))))
        self.guard = subprocess.Popen([sys.executable, __file__, self.configuration], stdin=subprocess.PIPE,
                                      start_new_session=True)
        try:
            self._start()
        except Unavailable:
            self.stop()
            raise

    def _start(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {name: self.folder / f"munge.{name}" for name in ("socket", "pid", "log", "seed")}
        self._daemon("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={files['socket']}",
                     f"--pid-file={files['pid']}", f"--log-file={files['log']}", f"--seed-file={files['seed']}")
        self._await(files["socket"].exists, "munged's socket")
        self._daemon("slurmctld", "-D")
        self._daemon("slurmd", "-D")
        self._await(lambda: self.call("sinfo", "--noheader", "--format=%T", check=False).strip() == "idle", "an idle node")

    def _daemon(self, name, *options):
        with open(self.folder / f"{name}.out", "w") as out:
            self.daemons.append(subprocess.Popen([name, *options], env=self.environment, stdin=subprocess.DEVNULL, stdout=out,
                                                 stderr=subprocess.STDOUT))

    def _await(self, condition, what):
        def ready():
            ended = [daemon.args[0] for daemon in self.daemons if daemon.poll() is not None]
            if ended:
                raise Unavailable(f"{ended[0]} ended: {(self.folder / (ended[0] + '.out')).read_text()[-500:]}")
            return condition()

        try:
            wait_until(ready, what, timeout=60)
        except AssertionError as problem:
            raise Unavailable(str(problem)) from None

    def call(self, *words, check=True, environment=(), **options):
        """Standard output of a command of Slurm, or of one that calls such, with more variables of the environment."""
        done = subprocess.run([str(word) for word in words], env={**self.environment, **dict(environment)}, text=True,
                              capture_output=True, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(done.args)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def jobs(self):
        """{number of a job or 'ARRAY_TASK': JobState} of all that the controller remembers."""
        found = {}
        for record in self.call("scontrol", "show", "job", "--oneliner", check=False).splitlines():
            fields = dict(word.split("=", 1) for word in record.split() if "=" in word)
            if "JobId" in fields:
                name = f"{fields['ArrayJobId']}_{fields['ArrayTaskId']}" if "ArrayTaskId" in fields else fields["JobId"]
                found[name] = JobState(fields["JobState"], fields["JobId"], int(fields.get("Restarts", 0)))
        return found

    def processes(self, job, program):
        """Processes of a job (its own number) that run a program, by the end of its name."""
        found = []
        for folder in processes_of(self.configuration):
            try:
                if f"SLURM_JOB_ID={job}".encode() in (folder / "environ").read_bytes().split(b"\0") and (
                        os.readlink(folder / "exe").endswith(program)):
                    found.append(int(folder.name))
            except OSError:
                pass  # ended meanwhile
        return found

    def stop(self):
        """Ends the jobs, the daemons, and all that they started."""
        self.guard.stdin.close()
        self.guard.wait()
        for daemon in self.daemons:
            daemon.wait()


if __name__ == "__main__":
    sys.stdin.read()
    end_all(sys.argv[1])
