"""Reads terminal sessions out of Markdown pages, plays them and compares what is printed.

A ` ```console ` block holds commands after `$ ` and the output that each shall have; a ` ```sh ` block
is a script that shall print nothing. The comment `<!-- test: repeat until it is so -->` before a block
lets it be played again until its output is right.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

REPEAT = "<!-- test: repeat until it is so -->"
_FENCE = re.compile(
    r"(?P<repeat>" + re.escape(REPEAT) + r"\n)?^```(?P<kind>[a-z]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

MASKS = (
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"^(Uploading|Uploaded |Exists   ) [0-9a-f]{12} ", r"\1 <digest> "),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\bevidence-\d{8}\b", "evidence-<day>"),
    (r"\b(localhost|127\.0\.0\.1):\d+", r"\1:<port>"),
    (r'"version": "\d+\.\d+\.\d+"', '"version": <ours>'),
    (r'"size": \d+', '"size": <size>'),
    (r"(\d+[dhms])+$", "<age>"),
    (r"(?<=\S) {2,}", "  "),  # columns are as wide as what was masked in them
)
"""What differs from run to run: ids of reviews, digests, times, keys, ports, our version, sizes, ages."""


@dataclass(frozen=True)
class Step:
    """One command or script and what it shall print."""

    line: int
    command: str
    wanted: str
    repeat: bool


@dataclass(frozen=True)
class Printed:
    text: str
    code: int


def steps_of(page: str) -> Iterator[list[Step]]:
    """Return the steps of each block of `page`; refuses blocks that would not be played."""
    fences = list(_FENCE.finditer(page))
    if len(re.findall(r"^\s*```", page, re.MULTILINE)) != 2 * len(fences):
        raise ValueError("a fence that is not closed, or is indented")
    for fence in fences:
        line = page.count("\n", 0, fence.start("body")) + 1
        repeat = fence["repeat"] is not None
        match fence["kind"]:
            case "sh":
                yield [Step(line, fence["body"], "", repeat)]
            case "console":
                yield list(_commands(fence["body"], line, repeat=repeat))
            case kind:
                raise ValueError(f"line {line}: a block of kind {kind!r} is not played")


def _commands(body: str, first_line: int, *, repeat: bool) -> Iterator[Step]:
    if not body.startswith("$ "):
        raise ValueError(f"line {first_line}: want `$ ` and a command")
    line = first_line
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, wanted = part.partition("\n")
        yield Step(line, command + "\n", wanted, repeat)
        line += part.count("\n")


def masked(text: str) -> str:
    """Return `text` without what differs from run to run."""
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.strip()


class Shell:
    """One bash for all steps: variables, folder and PATH stay from step to step."""

    def __init__(self, folder: Path, cwd: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._output = folder / "output"
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env=environment,
        )

    def run(self, command: str) -> Printed:
        """Return what `command` prints, errors in their place, and how it ends."""
        assert self._process.stdin
        assert self._process.stdout
        script = self._folder / "step.sh"
        script.write_text(command)
        self._process.stdin.write(
            f". {script} < /dev/null > {self._output} 2>&1; echo code=$?\n"  # kept over steps
        )
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer.startswith("code="), f"the shell ended at {command!r}"
        return Printed(self._output.read_text(), int(answer.removeprefix("code=")))

    def close(self) -> None:
        """End the shell."""
        self._process.communicate("exit\n", timeout=10)


def play(
    steps: list[Step],
    run: Callable[[str], Printed],
    *,
    deadline_s: float = 15,
    pause_s: float = 0.2,
) -> None:
    """Play the steps of one block; raises AssertionError for output that is not as wanted."""
    until = time.monotonic() + deadline_s
    for step in steps:
        printed = run(step.command)
        while step.repeat and _wrong(step, printed) and time.monotonic() < until:
            time.sleep(pause_s)
            printed = run(step.command)
        assert not _wrong(step, printed), (
            f"line {step.line}: $ {step.command}"
            f"printed (exit code {printed.code})\n{masked(printed.text)}\n"
            f"want\n{masked(step.wanted)}\n"
            f"unmasked\n{printed.text}"
        )


def _wrong(step: Step, printed: Printed) -> bool:
    """Say whether the output differs, or the exit code: not 0 where an error or denial is shown."""
    fails = step.wanted.startswith(("Error", "deny "))
    return masked(printed.text) != masked(step.wanted) or (printed.code != 0) != fails
