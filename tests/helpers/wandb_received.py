"""What the stand-in for the server of Weights & Biases has received."""

import json
from dataclasses import dataclass, field
from typing import Any

HISTORY, EVENTS, LOG, SUMMARY = "wandb-history.jsonl", "wandb-events.jsonl", "output.log", "wandb-summary.json"
"""Files of a run that grow line by line."""


@dataclass
class ServedRun:
    """A run as the server has received it."""

    id: str
    project: str
    sweep: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    """``displayName``, ``groupName``, ``jobType``, ``tags``, ``notes`` and so on, as received."""
    config: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Lines of the files that grow, by name."""
    files: dict[str, bytes] = field(default_factory=dict)
    resumes: int = 0
    """Number of times that a process resumed the run."""
    exit_codes: list[int] = field(default_factory=list)
    stop_requested: bool = False
    """Whether somebody pressed the stop button; the answers to the run's lines say so."""

    @property
    def started(self) -> bool:
        """Whether its process has begun: a sweep makes its runs before that."""
        return bool(self.config)

    @property
    def history(self) -> list[dict[str, Any]]:
        """Logged rows in the order of their steps."""
        return [json.loads(line) for line in self.lines.get(HISTORY, [])]

    @property
    def summary(self) -> dict[str, Any]:
        """The newest summary."""
        sent: dict[str, Any] = json.loads((self.lines.get(SUMMARY) or ["{}"])[-1])
        return sent

    @property
    def values(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return {key: item["value"] for key, item in self.config.items()}

    @property
    def state(self) -> str:
        """The state that W&B's page of the run shows."""
        return "running" if not self.exit_codes else "failed" if self.exit_codes[-1] else "finished"


@dataclass
class ServedArtifact:
    """An artifact, such as a table or a model."""

    type: str
    metadata: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    committed: bool = False


@dataclass
class ServedSweep:
    """A sweep, with the commands that its agents get at their next heartbeat."""

    id: str
    project: str
    config: str
    commands: list[dict[str, Any]] = field(default_factory=list)
    alive: list[set[str]] = field(default_factory=list)
    """Names of the runs that an agent runs, at each heartbeat."""


@dataclass
class Received:
    """Everything that the server has received."""

    runs: dict[str, ServedRun] = field(default_factory=dict)
    artifacts: list[ServedArtifact] = field(default_factory=list)
    sweeps: dict[str, ServedSweep] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    """Requests that the server cannot answer, and those to other hosts, whose proxy it is."""
    credentials: set[str] = field(default_factory=set)
    """The ``Authorization`` headers of all requests."""
