#!/usr/bin/env python3
"""How well `map --dry-run` foresees time, memory, bytes sent and output: runs each case dry and whole on two ranks, and prints
what was foreseen over what was measured. Wants an idle machine; takes minutes."""
import argparse
import re
import tempfile
from pathlib import Path

from scaling_runs import SOURCE, Runner, plane, require_idle, sphere

CASES = {"plane, ks,wiener": (plane(720, 720), ["--methods", "ks,wiener"]),
         "plane, all": (plane(360, 360), ["--methods", "ks,wiener,deepmass,posterior", "--chains", "2", "--samples", "16"]),
         "plane, deepmass alone": (plane(1024, 1024), ["--methods", "deepmass", "--samples", "0"]),
         "sphere, ks,wiener": (sphere(256), ["--methods", "ks,wiener"]),
         "sphere, posterior": (sphere(256), ["--methods", "posterior", "--chains", "1", "--samples", "8", "--outside-card", "warn"])}


def figures(pattern, text):
    return [float(word) for word in re.search(pattern, text, re.M).groups()]


def compare(runner, name, survey, options):
    catalogue, _ = runner.simulate(survey, 2)
    out = runner.folder / "maps.h5"
    words = ["map", "--catalogue", catalogue, *survey.sky, *survey.prior, *options, "--out", out, "--overwrite"]
    dry = runner.run(2, [*words, "--dry-run"])
    seconds, sent, _ = figures(r"^  in all +([\d.]+) +([\d.]+) +(\d+)", dry)
    memory, = figures(r"memory of a rank: ([\d.]+) GB", dry)
    output, = figures(r"output: ([\d.]+) MB", dry)
    whole = runner.run(2, words)
    took, held, passed = figures(r"took ([\d.]+) s; a rank had at most ([\d.]+) GB and sent ([\d.]+) MB", whole)
    size = out.stat().st_size * 1e-6
    print(f"{name:24} time {seconds:7.1f} s / {took:7.1f} s = {seconds / took:.2f}; memory {memory / held:.2f}; sent {sent / passed:.2f}; "
          f"output {output / size:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=SOURCE / "build/bin/tessera", help="[build/bin/tessera]")
    parser.add_argument("--allow-busy", action="store_true", help="run although the machine is busy: for trying the script")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tessera-dry-run-") as folder:
        runner = Runner(options.program.resolve(), Path(folder))
        for name, (survey, words) in CASES.items():
            require_idle(options.allow_busy)
            compare(runner, name, survey, words)


if __name__ == "__main__":
    main()
