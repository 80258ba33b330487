"""Fuzz: `python fuzz/run.py [--seconds 60] [target …]`, or `make fuzz SECONDS=60`.

Each target runs in a process of its own under atheris (libFuzzer, guided by the coverage of
Tidegate's own code). Inputs that reach something new are kept in fuzz/found/, and the next run goes
on from there. An input that breaks a law, or that takes longer than `INPUT_S` or more memory than
`RSS_MIB`, is written to fuzz/found/crashes/; put it into fuzz/corpus/<target>/ and it is a test.
"""

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent
WORK = FOLDER / "found"
CRASHES = WORK / "crashes"
INPUT_S = 2
"""One input, on a machine that does other things too; most take a tenth of a millisecond."""
RSS_MIB = 768
"""Of the whole process with its corpus and the counters of coverage."""

NAMES = (
    "review", "policy", "reference", "statement", "feed", "snapshot", "envelope", "bundle",
    "signature", "manifest", "answers", "http", "headers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one target reached."""

    target: str
    executions: int
    per_s: int
    coverage: int
    """Edges of Tidegate's code that were taken."""
    kept: int
    """Inputs in the working corpus."""
    peak_mib: int
    crashed: bool
    output: str


def run_target(name: str, seconds: int) -> Outcome:
    """Fuzz one target in a process of its own."""
    CRASHES.mkdir(parents=True, exist_ok=True)
    grown = WORK / name
    grown.mkdir(exist_ok=True)
    command = [
        sys.executable, __file__, "--child", name,
        f"-max_total_time={seconds}", f"-timeout={INPUT_S}", f"-rss_limit_mb={RSS_MIB}",
        f"-dict={FOLDER / 'dictionary.txt'}", f"-artifact_prefix={CRASHES / name}-",
        "-print_final_stats=1", "-use_value_profile=0", str(grown), str(FOLDER / "corpus" / name),
    ]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(FOLDER.parent / "src")}
    ran = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=environ, check=False
    )
    said = ran.stderr
    return Outcome(
        target=name,
        executions=_last(said, r"stat::number_of_executed_units:\s+(\d+)"),
        per_s=_last(said, r"stat::average_exec_per_sec:\s+(\d+)"),
        coverage=_last(said, r"cov: (\d+)"),
        kept=_last(said, r"corp: (\d+)"),
        peak_mib=_last(said, r"stat::peak_rss_mb:\s+(\d+)"),
        crashed=ran.returncode != 0,
        output=ran.stdout + said,
    )


def _last(text: str, pattern: str) -> int:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def fuzz_in_this_process(name: str, arguments: list[str]) -> None:
    """Be the child: hand inputs to the target until libFuzzer ends the process."""
    import atheris  # noqa: PLC0415 - the parent, and the tests, need it not

    with atheris.instrument_imports(include=["tidegate"]):
        from targets import TARGETS  # noqa: PLC0415 - instrumented while it is loaded
    from mutations import dictionary, mutated  # noqa: PLC0415 - not instrumented

    words = dictionary(FOLDER / "dictionary.txt")
    target = TARGETS[name]

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        if seed % 2:
            return bytes(atheris.Mutate(data, max_size))
        return mutated(data, Random(seed), words)[:max_size]  # noqa: S311 - to be repeatable

    argv = [sys.argv[0], f"-max_len={target.max_bytes}", *arguments]
    atheris.Setup(argv, target.run, custom_mutator=mutate)
    atheris.Fuzz()


def report(outcome: Outcome) -> None:
    """Print one line, and the end of what a crash said."""
    state = "CRASH" if outcome.crashed else "ok"
    print(
        f"{outcome.target:10} {outcome.executions:>11,} {outcome.per_s:>7,}/s "
        f"{outcome.coverage:>6,} edges {outcome.kept:>6,} kept {outcome.peak_mib:>5} MiB  {state}",
        flush=True,
    )
    if outcome.crashed:
        said = [line for line in outcome.output.splitlines() if not line.startswith(("#", "INFO"))]
        print("\n".join(said[-60:]), flush=True)


def main() -> int:
    """Run the targets one after another; 1 where one of them found something."""
    if sys.argv[1:2] == ["--child"]:
        fuzz_in_this_process(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description="Fuzz what reads strangers' bytes.")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(NAMES)}")
    chosen = parser.parse_args()
    unknown = sorted({*chosen.targets} - {*NAMES})
    if unknown:
        parser.error(f"unknown targets: {', '.join(unknown)}; want some of {', '.join(NAMES)}")
    outcomes = []
    for name in chosen.targets or NAMES:
        outcome = run_target(name, chosen.seconds)
        report(outcome)
        outcomes.append(outcome)
    print(f"{sum(o.executions for o in outcomes):,} executions")
    return int(any(outcome.crashed for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
