"""How many photos a second a served model classifies, and how long each waits.

    pip install fastapi
    python benchmarks/serving.py CHECKPOINT FOLDER [--clients 1 8 64] [--seconds 10] [--rounds 3]

Each client posts one photo after the other, taken in turns from those below ``FOLDER``. The servers
are processes of their own and take turns in each round, so that what else the machine does meets
both; the clients share the cores with them.

- ``serve``: the command.
- ``fastapi``: what one writes without it: an endpoint of FastAPI that calls ``Classifier.predict``
  on one photo, in FastAPI's own threads, run by uvicorn.
"""

import argparse
import asyncio
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import numpy as np

from posture_classifier.data.photo_files import find_photos

FASTAPI = """
import sys
import uvicorn
from fastapi import Body, FastAPI
from posture_classifier import Classifier

classifier, app = Classifier.load(sys.argv[1]), FastAPI()

@app.get("/v2/health/ready")
def ready():
    return {}

@app.post("/photo")
def photo(body: bytes = Body(media_type="image/jpeg")):
    return classifier.predict(body).probabilities

uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""
SERVERS = {
    "serve": ("/v2/models/classifier/photo", ["-m", "posture_classifier", "serve", "{checkpoint}", "--port", "{port}"]),
    "fastapi": ("/photo", ["-c", FASTAPI, "{checkpoint}", "{port}"]),
}
"""The address of a photo, and the arguments of Python that start each server."""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(arguments: list[str], checkpoint: str, port: int) -> subprocess.Popen[bytes]:
    """Start a server, and wait until it answers."""
    command = [sys.executable, *(each.format(checkpoint=checkpoint, port=port) if "\n" not in each else each for each in arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(600):
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/v2/health/ready").is_success:
                return process
        except httpx2.TransportError:
            time.sleep(0.1)
    raise SystemExit(f"{command[:3]} did not start")


def peak_memory(process: subprocess.Popen[bytes]) -> float:
    """Most memory that a process has had, in MiB (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def load(address: str, photos: list[bytes], clients: int, seconds: float) -> list[float]:
    """Post photos for some seconds; returns how long each took, in seconds."""
    times: list[float] = []
    waiting = itertools.cycle(photos)
    end = time.perf_counter() + seconds

    async def client(session: httpx2.AsyncClient) -> None:
        while (begin := time.perf_counter()) < end:
            answer = await session.post(address, content=next(waiting), headers={"Content-Type": "image/jpeg"})
            answer.raise_for_status()
            times.append(time.perf_counter() - begin)

    limits = httpx2.Limits(max_connections=clients)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return times


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    photos = [(options.folder / photo).read_bytes() for photo in find_photos(options.folder).photos[:200]]
    rates: dict[tuple[str, int], list[float]] = {}
    waits: dict[tuple[str, int], list[float]] = {}
    memory: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, (path, arguments) in SERVERS.items():
            port = free_port()
            process = start(arguments, options.checkpoint, port)
            for clients in options.clients:
                address = f"http://127.0.0.1:{port}{path}"
                asyncio.run(load(address, photos, clients, 2))  # until it is warm
                times = asyncio.run(load(address, photos, clients, options.seconds))
                rates.setdefault((name, clients), []).append(len(times) / options.seconds)
                waits.setdefault((name, clients), []).extend(times)
            memory.setdefault(name, []).append(peak_memory(process))
            os.kill(process.pid, signal.SIGTERM)
            process.wait()
    print("| server | clients | requests/s, median (range) | ms, p50 | ms, p99 | peak MiB |\n|---|---|---|---|---|---|")
    for (name, clients), found in sorted(rates.items(), key=lambda item: item[0][1]):
        p50, p99 = np.percentile(waits[name, clients], [50, 99]) * 1000
        rate = f"{statistics.median(found):.1f} ({min(found):.1f} to {max(found):.1f})"
        print(f"| {name} | {clients} | {rate} | {p50:.0f} | {p99:.0f} | {statistics.median(memory[name]):.0f} |")


if __name__ == "__main__":
    main()
