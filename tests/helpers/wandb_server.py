"""A stand-in for the server of Weights & Biases: as much of its protocol as wandb 0.31 uses.

A GraphQL request is answered by the method ``on_<name of the operation>``, with every field that
wandb asks for there.
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

from tests.helpers.wandb_received import EVENTS, HISTORY, LOG, Received, ServedArtifact, ServedRun, ServedSweep

ENTITY = "me"
OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")
BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a new word begins in the name of an operation."""
TELEMETRY = "/sdk/otel/"
"""Path of wandb's reports about itself, which are accepted and dropped."""
VIEWER = {"id": "u", "entity": ENTITY, "username": ENTITY, "email": "", "flags": "{}", "teams": {"edges": []}}
FIXED: dict[str, dict[str, Any]] = {
    "Viewer": {"viewer": VIEWER},
    "GetDefaultEntity": {"viewer": VIEWER},
    "ServerFeaturesQuery": {"serverInfo": {"features": []}},
    "OrganizationCoreWeaveOrganizationID": {"entity": None},
    "ArtifactType": {"project": {"artifact": None}},
}
"""Answers that are always the same, by the name of the operation."""


class WandbServer:
    """A context manager that serves on 127.0.0.1 in threads of its own.

    Args:
        port: The port, such as that of a server that has stopped; 0 chooses a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.received = Received()
        self.stopped = False
        self.changed = threading.Condition()
        server = self

        class Handler(_Handler):
            wandb = server

        self._http = _HTTPServer(("127.0.0.1", port), Handler)
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
        """Stop serving: open connections end without an answer, new ones are refused."""
        if not self.stopped:
            self.stopped = True
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    def wait_for(self, condition: Callable[[], Any], seconds: float) -> bool:
        """Wait until a request has made the condition true; false if that takes too long."""
        with self.changed:
            return bool(self.changed.wait_for(condition, seconds))

    def answer(self, path: str, body: bytes) -> dict[str, Any] | bytes | None:
        """The answer to a request; None if it is unexpected."""
        if path == "/graphql":
            request = json.loads(body)
            name = request.get("operationName") or OPERATION.search(request["query"])[1]  # type: ignore[index]
            function = getattr(self, f"on_{BOUNDARY.sub('_', name).lower()}", None)
            if name not in FIXED and function is None:
                self.received.unexpected.append(f"GraphQL {name}")
                return {"errors": [{"message": f"no {name} here"}]}
            return {"data": function(request["variables"]) if function else FIXED[name]}
        parts = unquote(path).strip("/").split("/")
        match parts:
            case ["files", _, _, run, "file_stream"]:
                return self._stream(self.received.runs[run], json.loads(body))
            case ["storage", "runs", run, *name] if body:
                self.received.runs[run].files["/".join(name)] = body
                return {}
            case ["storage", "runs", run, *name]:
                return self.received.runs[run].files["/".join(name)]
            case ["storage", "artifacts", number, *name]:
                self.received.artifacts[int(number)].files["/".join(name)] = body
                return {}
        return {} if path.startswith(TELEMETRY) else None

    @staticmethod
    def _stream(run: ServedRun, sent: dict[str, Any]) -> dict[str, Any]:
        for name, chunk in (sent.get("files") or {}).items():
            lines = run.lines.setdefault(name, [])
            lines[chunk["offset"] : chunk["offset"] + len(chunk["content"])] = chunk["content"]
        if sent.get("complete"):
            run.exit_codes.append(sent["exitcode"])
        return {"stopped": run.stop_requested}

    # Runs.

    def on_run_resume_status(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = self.received.runs.get(asked["name"])
        if run is None:
            return {"model": None}
        run.resumes += run.started
        bucket = self._facts(run) | {"wandbConfig": json.dumps({"t": 1} if run.started else {})}
        for kind, name in (("history", HISTORY), ("events", EVENTS), ("log", LOG)):
            lines = run.lines.get(name, [])
            bucket |= {f"{kind}LineCount": len(lines), f"{kind}Tail": json.dumps(lines[-1:])}
        return {"model": self._project(run.project) | {"bucket": bucket}}

    def on_upsert_bucket(self, asked: dict[str, Any]) -> dict[str, Any]:
        new = asked["name"] not in self.received.runs
        run = self.received.runs.setdefault(asked["name"], ServedRun(asked["name"], asked["project"]))
        run.config = json.loads(asked["config"])
        run.sweep = asked["sweep"] or run.sweep
        run.attributes |= {key: value for key, value in asked.items() if value is not None}
        return {"upsertBucket": {"bucket": self._facts(run) | {"project": self._project(run.project)}, "inserted": new}}

    def on_create_run_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        where = f"{self.url}/storage/runs/{asked['run']}"
        urls = [{"name": name, "uploadUrl": f"{where}/{name}"} for name in asked["files"]]
        return {"createRunFiles": {"runID": asked["run"], "uploadHeaders": [], "files": urls}}

    def on_runs(self, asked: dict[str, Any]) -> dict[str, Any]:
        group = json.loads(asked.get("filters") or "{}").get("group")
        runs = [run for run in self.received.runs.values() if group in (None, run.attributes.get("groupName"))]
        edges = [{"node": self._facts(run), "cursor": run.id} for run in runs]
        page = {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}
        return {"project": {"internalId": "p", "runCount": len(runs), "readOnly": False, "runs": page}}

    def on_run(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"run": self._facts(self.received.runs[asked["name"]])}}

    def on_run_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        files = self.received.runs[asked["name"]].files
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
    def _facts(run: ServedRun) -> dict[str, Any]:
        facts: dict[str, Any] = {"id": run.id, "name": run.id, "state": run.state, "config": json.dumps(run.config)}
        facts |= {"displayName": run.attributes.get("displayName"), "group": run.attributes.get("groupName"), "tags": []}
        facts |= {"summaryMetrics": json.dumps(run.summary), "historyLineCount": len(run.history), "systemMetrics": "{}"}
        return facts | {"sweepName": run.sweep, "user": {"name": ENTITY, "username": ENTITY}}

    # Artifacts.

    def on_create_artifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        about = asked["input"]
        self.received.artifacts.append(ServedArtifact(about["artifactTypeName"], json.loads(about.get("metadata") or "{}")))
        return {"createArtifact": {"artifact": {"id": str(len(self.received.artifacts) - 1), "state": "PENDING"}}}

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
        self.received.artifacts[int(asked["artifactID"])].committed = True
        return {"commitArtifact": {"artifact": {"id": asked["artifactID"], "digest": ""}}}

    # Sweeps.

    def on_upsert_sweep(self, asked: dict[str, Any]) -> dict[str, Any]:
        sweep = ServedSweep(f"sweep{len(self.received.sweeps)}", asked["projectName"], asked["config"])
        self.received.sweeps[sweep.id] = sweep
        about = {"name": sweep.id, "project": self._project(sweep.project)}
        return {"upsertSweep": {"sweep": about, "configValidationWarnings": []}}

    def on_sweep_with_runs(self, asked: dict[str, Any]) -> dict[str, Any]:
        sweep = self.received.sweeps[asked["sweep"]]
        return {"project": {"sweep": {"id": sweep.id, "name": sweep.id, "config": sweep.config, "runs": {"edges": []}}}}

    def on_create_agent(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"createAgent": {"agent": {"id": asked["sweep"]}}}

    def on_heartbeat(self, asked: dict[str, Any]) -> dict[str, Any]:
        sweep = self.received.sweeps[asked["id"]]
        sweep.alive.append(set(json.loads(asked["runState"])))
        commands, sweep.commands = sweep.commands, []
        for name in (command["run_id"] for command in commands if command["type"] == "run"):
            self.received.runs[name] = ServedRun(name, sweep.project, sweep.id)
        return {"agentHeartbeat": {"agent": {"id": sweep.id}, "commands": json.dumps(commands)}}


class _HTTPServer(ThreadingHTTPServer):
    request_queue_size = 64
    """wandb opens a connection for every file at once."""

    wandb: WandbServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that ended in mid-connection; anything else is a fault of this server."""
        if not isinstance(error := sys.exc_info()[1], ConnectionError):
            self.wandb.received.unexpected.append(repr(error))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wandb: WandbServer

    def log_message(self, format: str, *args: Any) -> None:
        """Be silent."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.wandb.stopped:
            self.close_connection = True
            return
        with self.wandb.changed:
            answer = self.wandb.answer(self.path, body)
            if answer is None:
                self.wandb.received.unexpected.append(f"{self.command} {self.path}")
            if self.path == "/graphql":
                self.wandb.received.credentials.add(self.headers.get("Authorization", ""))
            self.wandb.changed.notify_all()
        data = answer if isinstance(answer, bytes) else json.dumps(answer or {}).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_CONNECT = _answer  # noqa: N815
