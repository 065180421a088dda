"""The main job, from nothing to tables: what ``make demo`` runs."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = sorted((Path(__file__).parent / "nuclei").glob("*.png"))
COLUMNS = ("file_name", "objects", "area_px2_mean", "eccentricity_mean", "solidity_mean")


def main() -> int:
    """Start the system in a temporary folder, run the nuclei pipeline, show the tables, stop everything."""
    folder = Path(tempfile.mkdtemp(prefix="jobengine-demo-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    jobengine = [sys.executable, "-c", "from jobengine.cli import main; main()"]
    data = folder / "data"
    command = [*jobengine, "up", "--port", str(port), "--data", str(data), "--workers", "2"]
    system = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
    try:
        if not wait_until_ready(system):
            return 1
        return run_job(jobengine, port, folder)
    finally:
        system.send_signal(signal.SIGTERM)
        code = system.wait(90)
        # What the job made is kept; the system's own folder is not.
        shutil.rmtree(data)
        say(f"everything is stopped (exit code {code})")


def wait_until_ready(system: subprocess.Popen[str]) -> bool:
    """Pass on what the system prints, until it is ready."""
    if system.stdout is None:
        return False
    for line in system.stdout:
        say(line.rstrip())
        if line.startswith("ready:"):
            return True
    return False


def run_job(jobengine: list[str], port: int, folder: Path) -> int:
    """Submit, wait, fetch, print."""
    key = (folder / "data" / "admin.key").read_text().strip()
    environment = {**os.environ, "JOBENGINE_URL": f"http://127.0.0.1:{port}", "JOBENGINE_API_KEY": key}

    def run(*words: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own words
            [*jobengine, *words], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    job = json.loads(run("submit", "nuclei", *map(str, IMAGES), "--wait", "--json"))
    out = folder / "results"
    run("results", job["id"], "--out", str(out))
    masks = json.loads(run("submit", "masks", "--parent", job["id"], "--wait", "--json"))
    run("results", masks["id"], "--out", str(out / "masks"))
    print_table(out / "aggregates.csv")
    say(f"job {job['id']}: {job['state']}, {job['percentage']} %")
    say(f"tables:   {out / 'aggregates.csv'}, {out / 'objects.csv'}")
    say(f"masks:    {out / 'masks' / 'masks.zip'}")
    say(f"overlays: {out}/*/overlay.png")
    return 0 if job["state"] == masks["state"] == "succeeded" else 1


def print_table(path: Path) -> None:
    """Print the columns that fit on a screen."""
    say("  ".join(f"{name:>18}" for name in COLUMNS))
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            cells = [row[COLUMNS[0]], row[COLUMNS[1]], *(f"{float(row[name] or 0):.3f}" for name in COLUMNS[2:])]
            say("  ".join(f"{cell:>18}" for cell in cells))


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
