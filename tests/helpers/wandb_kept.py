"""What the stand-in for the server of Weights & Biases was sent."""

import json
from dataclasses import dataclass, field
from typing import Any

HISTORY, EVENTS, LOG, SUMMARY = "wandb-history.jsonl", "wandb-events.jsonl", "output.log", "wandb-summary.json"
"""Files of a run that grow."""


@dataclass
class ServedRun:
    """A run as the server knows it."""

    id: str
    project: str
    sweep: str | None = None
    about: dict[str, Any] = field(default_factory=dict)
    """``displayName``, ``groupName``, ``jobType``, ``tags``, ``notes`` ...: as they were sent."""
    config: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Of the files that grow: by name."""
    files: dict[str, bytes] = field(default_factory=dict)
    begun: int = 0
    """How often a process asked whether there is something to go on from, and found it."""
    exit_codes: list[int] = field(default_factory=list)
    stopped: bool = False
    """Somebody pressed the button, which the answers to its lines say."""

    @property
    def started(self) -> bool:
        """A sweep makes its runs before their processes begin them."""
        return bool(self.config)

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rows, in the order of their steps."""
        return [json.loads(line) for line in self.lines.get(HISTORY, [])]

    @property
    def summary(self) -> dict[str, Any]:
        """The last one that was sent."""
        sent: dict[str, Any] = json.loads((self.lines.get(SUMMARY) or ["{}"])[-1])
        return sent

    @property
    def values(self) -> dict[str, Any]:
        """The configuration without what wandb wraps it in."""
        return {key: item["value"] for key, item in self.config.items()}

    @property
    def state(self) -> str:
        """As the page of the run says it."""
        return "running" if not self.exit_codes else "failed" if self.exit_codes[-1] else "finished"


@dataclass
class ServedArtifact:
    """Files under a name of their own: tables and models."""

    type: str
    metadata: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    committed: bool = False


@dataclass
class ServedSweep:
    """A sweep, and what its agents are to do: the answers to their next heartbeats."""

    id: str
    project: str
    config: str
    commands: list[dict[str, Any]] = field(default_factory=list)
    alive: list[set[str]] = field(default_factory=list)
    """The runs that an agent said it runs, at each heartbeat."""


@dataclass
class Kept:
    """All that was sent."""

    runs: dict[str, ServedRun] = field(default_factory=dict)
    artifacts: list[ServedArtifact] = field(default_factory=list)
    sweeps: dict[str, ServedSweep] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    """Requests that have no answer here, and those to other hosts, whose proxy this is."""
    keys: set[str] = field(default_factory=set)
    """That said who is asking."""
