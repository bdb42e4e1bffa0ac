"""A stand-in for the server of Weights & Biases, on this machine: as much of its protocol as wandb 0.31 speaks.

GraphQL is told apart by the name of the operation, and answered with every field that is asked for there.
"""

import gzip
import json
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.helpers.wandb_kept import EVENTS, HISTORY, LOG, Kept, ServedArtifact, ServedRun, ServedSweep

ENTITY = "me"
OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")
BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Between the words of its name."""
TELEMETRY = "/sdk/otel/"
"""What wandb says about itself goes to the server of the runs too."""
VIEWER = {"id": "u", "entity": ENTITY, "username": ENTITY, "email": "", "flags": "{}", "teams": {"edges": []}}
FIXED: dict[str, dict[str, Any]] = {
    "Viewer": {"viewer": VIEWER},
    "GetDefaultEntity": {"viewer": VIEWER},
    "ServerFeaturesQuery": {"serverInfo": {"features": []}},
    "OrganizationCoreWeaveOrganizationID": {"entity": None},
    "ArtifactType": {"project": {"artifact": None}},
}
"""Answers that do not depend on what was sent."""


class WandbServer:
    """Answers on 127.0.0.1 in threads of its own, as a context.

    Args:
        port: Where another one was; 0 is a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.kept = Kept()
        self.gone = False
        self.changed = threading.Condition()
        server = self

        class Handler(_Handler):
            wandb = server

        self._http = _Threads(("127.0.0.1", port), Handler)
        self._http.wandb = self
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "WandbServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone: connections that are open end without an answer, new ones are refused."""
        if not self.gone:
            self.gone = True
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    def wait_for(self, condition: Callable[[], Any], seconds: float) -> bool:
        """Whether it came true after a request, in time."""
        with self.changed:
            return bool(self.changed.wait_for(condition, seconds))

    def answer(self, path: str, body: bytes) -> dict[str, Any] | bytes | None:
        """What is sent back; None: there is no such thing here."""
        if path == "/graphql":
            request = json.loads(body)
            name = request.get("operationName") or OPERATION.search(request["query"])[1]  # type: ignore[index]
            function = getattr(self, f"on_{BOUNDARY.sub('_', name).lower()}", None)
            if name not in FIXED and function is None:
                self.kept.strange.append(f"GraphQL {name}")
                return {"errors": [{"message": f"no {name} here"}]}
            return {"data": function(request["variables"]) if function else FIXED[name]}
        parts = unquote(path).strip("/").split("/")
        match parts:
            case ["files", _, _, run, "file_stream"]:
                return self._stream(self.kept.runs[run], json.loads(body))
            case ["storage", "runs", run, *name] if body:
                self.kept.runs[run].files["/".join(name)] = body
                return {}
            case ["storage", "runs", run, *name]:
                return self.kept.runs[run].files["/".join(name)]
            case ["storage", "artifacts", number, *name]:
                self.kept.artifacts[int(number)].files["/".join(name)] = body
                return {}
        return {} if path.startswith(TELEMETRY) else None

    @staticmethod
    def _stream(run: ServedRun, sent: dict[str, Any]) -> dict[str, Any]:
        for name, chunk in (sent.get("files") or {}).items():
            lines = run.lines.setdefault(name, [])
            lines[chunk["offset"] : chunk["offset"] + len(chunk["content"])] = chunk["content"]
        if sent.get("complete"):
            run.exit_codes.append(sent["exitcode"])
        return {"stopped": run.stopped}

    # Runs.

    def on_run_resume_status(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = self.kept.runs.get(asked["name"])
        if run is None:
            return {"model": None}
        run.begun += run.started
        bucket = self._about(run) | {"wandbConfig": json.dumps({"t": 1} if run.started else {})}
        for kind, name in (("history", HISTORY), ("events", EVENTS), ("log", LOG)):
            lines = run.lines.get(name, [])
            bucket |= {f"{kind}LineCount": len(lines), f"{kind}Tail": json.dumps(lines[-1:])}
        return {"model": self._project(run.project) | {"bucket": bucket}}

    def on_upsert_bucket(self, asked: dict[str, Any]) -> dict[str, Any]:
        new = asked["name"] not in self.kept.runs
        run = self.kept.runs.setdefault(asked["name"], ServedRun(asked["name"], asked["project"]))
        run.config = json.loads(asked["config"])
        run.sweep = asked["sweep"] or run.sweep
        run.about |= {key: value for key, value in asked.items() if value is not None}
        return {"upsertBucket": {"bucket": self._about(run) | {"project": self._project(run.project)}, "inserted": new}}

    def on_create_run_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        where = f"{self.url}/storage/runs/{asked['run']}"
        urls = [{"name": name, "uploadUrl": f"{where}/{name}"} for name in asked["files"]]
        return {"createRunFiles": {"runID": asked["run"], "uploadHeaders": [], "files": urls}}

    def on_runs(self, asked: dict[str, Any]) -> dict[str, Any]:
        group = json.loads(asked.get("filters") or "{}").get("group")
        runs = [run for run in self.kept.runs.values() if group in (None, run.about.get("groupName"))]
        edges = [{"node": self._about(run), "cursor": run.id} for run in runs]
        page = {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}
        return {"project": {"internalId": "p", "runCount": len(runs), "readOnly": False, "runs": page}}

    def on_run(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"run": self._about(self.kept.runs[asked["name"]])}}

    def on_run_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        files = self.kept.runs[asked["name"]].files
        where = f"{self.url}/storage/runs/{asked['name']}"
        edges = []
        for name in files:
            if name in (asked["fileNames"] or files):
                node = {"id": name, "name": name, "url": f"{where}/{name}", "sizeBytes": str(len(files[name]))}
                edges.append({"node": node, "cursor": name})
        page = {"edges": edges, "pageInfo": {"hasNextPage": False}}
        return {"project": {"internalId": "p", "run": {"fileCount": len(files), "files": page}}}

    @staticmethod
    def _project(name: str) -> dict[str, Any]:
        return {"id": name, "name": name, "entity": {"id": ENTITY, "name": ENTITY}}

    @staticmethod
    def _about(run: ServedRun) -> dict[str, Any]:
        facts: dict[str, Any] = {"id": run.id, "name": run.id, "state": run.state, "config": json.dumps(run.config)}
        facts |= {"displayName": run.about.get("displayName"), "group": run.about.get("groupName"), "tags": []}
        facts |= {"summaryMetrics": json.dumps(run.summary), "historyLineCount": len(run.history), "systemMetrics": "{}"}
        return facts | {"sweepName": run.sweep, "user": {"name": ENTITY, "username": ENTITY}}

    # Artifacts.

    def on_create_artifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        about = asked["input"]
        self.kept.artifacts.append(ServedArtifact(about["artifactTypeName"], json.loads(about.get("metadata") or "{}")))
        return {"createArtifact": {"artifact": {"id": str(len(self.kept.artifacts) - 1), "state": "PENDING"}}}

    def on_create_artifact_manifest(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = asked["artifactID"]
        file = {"id": number, "uploadUrl": f"{self.url}/storage/artifacts/{number}/manifest.json", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": number, "file": file}}}

    def on_create_artifact_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        edges = []
        for file in asked["input"]["artifactFiles"]:
            url = f"{self.url}/storage/artifacts/{file['artifactID']}/{file['name']}"
            node = {"storagePath": file["name"], "uploadUrl": url, "uploadHeaders": [], "artifact": {"id": file["artifactID"]}}
            edges.append({"node": node})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def on_commit_artifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.kept.artifacts[int(asked["artifactID"])].committed = True
        return {"commitArtifact": {"artifact": {"id": asked["artifactID"], "digest": ""}}}

    # Sweeps.

    def on_upsert_sweep(self, asked: dict[str, Any]) -> dict[str, Any]:
        sweep = ServedSweep(f"sweep{len(self.kept.sweeps)}", asked["projectName"], asked["config"])
        self.kept.sweeps[sweep.id] = sweep
        about = {"name": sweep.id, "project": self._project(sweep.project)}
        return {"upsertSweep": {"sweep": about, "configValidationWarnings": []}}

    def on_sweep_with_runs(self, asked: dict[str, Any]) -> dict[str, Any]:
        sweep = self.kept.sweeps[asked["sweep"]]
        return {"project": {"sweep": {"id": sweep.id, "name": sweep.id, "config": sweep.config, "runs": {"edges": []}}}}

    def on_create_agent(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"createAgent": {"agent": {"id": asked["sweep"]}}}

    def on_heartbeat(self, asked: dict[str, Any]) -> dict[str, Any]:
        sweep = self.kept.sweeps[asked["id"]]
        sweep.alive.append(set(json.loads(asked["runState"])))
        commands, sweep.commands = sweep.commands, []
        for name in (command["run_id"] for command in commands if command["type"] == "run"):
            self.kept.runs[name] = ServedRun(name, sweep.project, sweep.id)
        return {"agentHeartbeat": {"agent": {"id": sweep.id}, "commands": json.dumps(commands)}}


class _Threads(ThreadingHTTPServer):
    request_queue_size = 64
    """wandb opens a connection for every file at once."""

    wandb: WandbServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that ends breaks its connections off; anything else is a fault of this server."""
        if not isinstance(error := sys.exc_info()[1], ConnectionError):
            self.wandb.kept.strange.append(repr(error))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wandb: WandbServer

    def log_message(self, format: str, *args: Any) -> None:
        """Be silent."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.wandb.gone:
            self.close_connection = True
            return
        with self.wandb.changed:
            answer = self.wandb.answer(self.path, body)
            if answer is None:
                self.wandb.kept.strange.append(f"{self.command} {self.path}")
            if self.path == "/graphql":
                self.wandb.kept.keys.add(self.headers.get("Authorization", ""))
            self.wandb.changed.notify_all()
        data = answer if isinstance(answer, bytes) else json.dumps(answer or {}).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_CONNECT = _answer  # noqa: N815
