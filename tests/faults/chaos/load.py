"""The client: submits jobs of all kinds over HTTP, and writes down what was accepted before it goes on."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.faults.chaos.background import Background

MIX = {
    "chaos-short": (10, 30),
    "chaos-long": (3, 2),
    "chaos-flaky": (3, 5),
    "chaos-rejecting": (1, 3),
    "chaos-crashing": (2, 2),
    "chaos-deadly": (1, 1),
    "chaos-hungry": (1, 1),
}
"""Weight and number of files of a job of each pipeline."""

CONTENTS = [f"the content of file {number}".encode() for number in range(30)]
_AWAY = (httpx.HTTPError, ValueError)


@dataclass(slots=True)
class Client:
    """Tries each request until it is answered; an ``Idempotency-Key`` makes a repeated submission one job."""

    url: str
    key: str
    log: Path
    seed: int
    seconds_between: float = 0.5
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    _background: Background = field(init=False)

    def __post_init__(self) -> None:
        self._background = Background(self._run)

    def start(self) -> None:
        """Begin to submit."""
        self._background.start()

    def stop(self) -> None:
        """Submit no more; the submission under way is brought to its end."""
        self._background.stop()

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request, tried until something other than 502 to 504 answers; at most three minutes."""
        began = time.monotonic()
        while True:
            try:
                headers = {"Authorization": f"Bearer {self.key}", **arguments.get("headers", {})}
                rest = {name: value for name, value in arguments.items() if name != "headers"}
                answer = httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30, **rest)
                if answer.status_code < 500 or answer.status_code == 500:
                    return answer
            except _AWAY:
                pass
            if time.monotonic() - began > 180:
                raise TimeoutError(f"{method} {path} was not answered for three minutes")
            time.sleep(0.2)

    def upload(self, contents: Sequence[bytes] = CONTENTS) -> list[str]:
        """Upload files, as those of all jobs; their IDs."""
        files = [("files", (f"{number}.bin", data)) for number, data in enumerate(contents)]
        items = self.call("POST", "/api/v1/files", files=files).json()["items"]
        return [item["id"] for item in items]

    def _run(self) -> None:
        chance = random.Random(self.seed)
        file_ids = self.upload()
        kinds, weights = list(MIX), [weight for weight, _ in MIX.values()]
        number = 0
        while not self._background.pause(self.seconds_between):
            number += 1
            kind = chance.choices(kinds, weights)[0]
            files = file_ids[: MIX[kind][1]]
            body = {"pipeline": kind, "files": files, "priority": chance.randrange(10), "name": f"job {number}"}
            self._submit(number, body)
            if chance.random() < 0.08 and self.accepted:
                self._cancel(chance.choice(list(self.accepted)))

    def _submit(self, number: int, body: dict[str, Any]) -> None:
        began = time.monotonic()
        headers = {"Idempotency-Key": f"{self.seed}-{number}"}
        answer = self.call("POST", "/api/v1/jobs", json=body, headers=headers)
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        if answer.status_code != 201:
            self.refused.append(f"{answer.status_code} {answer.text[:200]}")
            return
        self._note({"accepted": answer.json()["id"], "pipeline": body["pipeline"], "files": len(body["files"])})

    def _cancel(self, job_id: str) -> None:
        # Noted before it is asked for as well: an answer that is lost may have come after the deed.
        self._note({"cancel": job_id})
        answer = self.call("POST", f"/api/v1/jobs/{job_id}/cancel")
        if answer.status_code == 200:
            self._note({"canceled": job_id, "state": answer.json()["state"]})

    def _note(self, line: dict[str, Any]) -> None:
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")
            log.flush()
            os.fsync(log.fileno())
        if "accepted" in line:
            self.accepted[line["accepted"]] = line
        elif "cancel" in line:
            self.accepted[line["cancel"]]["cancel_was_asked_for"] = True
        else:
            self.accepted[line["canceled"]]["state_when_canceled"] = line["state"]
