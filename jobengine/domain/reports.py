"""What a worker tells the engine, and how it is spelled on the wire (JSON only).

A *task report* speaks of one attempt of one task. A *delivery report* speaks of all that a delivery holds. An
*announcement* says what a worker process can do. The reader refuses what it does not understand with ValueError:
such an entry is logged and dropped, never guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from jobengine.domain.states import FailureKind

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ReportKind(str, Enum):
    """What a report says."""

    STARTED = "started"
    PROGRESSED = "progressed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOGGED = "logged"
    CLAIMED = "claimed"
    RENEWED = "renewed"
    LOST = "lost"
    RETURNED = "returned"
    ANNOUNCED = "announced"


# Looking a word up here takes a tenth of the time that the enum's own way does.
_KINDS = {kind.value: kind for kind in ReportKind}
_FAILED = ReportKind.FAILED.value

OF_DELIVERIES = frozenset({ReportKind.CLAIMED, ReportKind.RENEWED, ReportKind.LOST, ReportKind.RETURNED})
"""What is said of all that a delivery holds."""


class SavedArtifact(NamedTuple):
    """An artifact that the attempt stored before it reported."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str


class Report(NamedTuple):
    """One thing that a worker says.

    ``task_id`` and ``attempt`` are set for task reports (started, progressed, succeeded, failed, logged);
    ``delivery_id`` is set for these too and alone for delivery reports (claimed, renewed, lost, returned).
    ``body`` is by kind: progressed ``{fraction, message}``; succeeded ``{result, artifacts, seconds, cpu_seconds,
    peak_memory_bytes}``; failed ``{kind, message, traceback, retry_after_seconds, seconds, cpu_seconds,
    peak_memory_bytes}``; logged ``{text}``; lost ``{kind, message}``; announced ``{hostname, slots, queues, hardware,
    steps, pipelines}``.
    """

    kind: ReportKind
    worker: str
    at: float
    delivery_id: str | None = None
    task_id: str | None = None
    attempt: int = 0
    body: Mapping[str, Any] = _NOTHING


class DeliveryFile(NamedTuple):
    """An input file as a delivery names it; its bytes are in the artifact store under the SHA-256."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str


class DeliveryPredecessor(NamedTuple):
    """A predecessor's result as a delivery carries it."""

    step: str
    result_id: str
    result: Mapping[str, Any]
    file: DeliveryFile | None = None
    artifacts: tuple[SavedArtifact, ...] = ()


class DeliveryTask(NamedTuple):
    """One task in a delivery with all that its step needs.

    Where predecessors or files are many, they lie in the artifact store as JSON (``manifest_sha256``) with the keys
    ``files`` and ``predecessors``, and the two tuples here are empty.
    """

    task_id: str
    attempt: int
    job_id: str
    parameters: Mapping[str, Any] = _NOTHING
    files: tuple[DeliveryFile, ...] = ()
    predecessors: tuple[DeliveryPredecessor, ...] = ()
    manifest_sha256: str | None = None


class Delivery(NamedTuple):
    """One message: one or more tasks of one step, run one after the other by one worker."""

    id: str
    step: str
    step_version: str
    queue: str
    priority: int
    time_limit_seconds: float
    memory_limit_bytes: int | None
    tasks: tuple[DeliveryTask, ...]


def encode_reports(reports: Iterable[Report]) -> str:
    """The wire spelling of some reports: a JSON list of short lists, in order."""
    return json.dumps([*reports], separators=(",", ":"), allow_nan=False, default=dict)


def decode_reports(text: str | bytes) -> list[Report]:
    """The reports of one wire entry; raises ValueError for anything that is not one."""
    try:
        return [_decode_report(*row) for row in json.loads(text)]
    except (TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a list of reports: {error}") from error


def _decode_report(
    kind: str, worker: str, at: float, delivery_id: str | None, task_id: str | None, attempt: int, body: Any
) -> Report:
    if not (isinstance(worker, str) and isinstance(at, (int, float)) and isinstance(attempt, int)):
        raise ValueError("worker, time or attempt of a report has the wrong type")
    if not isinstance(body, dict):
        raise ValueError("the body of a report is an object")
    if kind == _FAILED:
        FailureKind(body["kind"])
    return Report(_KINDS[kind], worker, float(at), delivery_id, task_id, attempt, body)


def encode_delivery(delivery: Delivery) -> dict[str, Any]:
    """The JSON object that a delivery travels as."""
    return {**delivery._asdict(), "tasks": [_encode_task(task) for task in delivery.tasks]}


def _encode_task(task: DeliveryTask) -> dict[str, Any]:
    encoded = task._asdict()
    encoded.update(_encode_inputs(task.files, task.predecessors), parameters=dict(task.parameters))
    return encoded


def _encode_inputs(files: Iterable[DeliveryFile], predecessors: Iterable[DeliveryPredecessor]) -> dict[str, Any]:
    return {
        "files": [file._asdict() for file in files],
        "predecessors": [_encode_predecessor(row) for row in predecessors],
    }


def _encode_predecessor(row: DeliveryPredecessor) -> dict[str, Any]:
    file, artifacts = row.file and row.file._asdict(), [artifact._asdict() for artifact in row.artifacts]
    return {**row._asdict(), "file": file, "artifacts": artifacts}


def decode_delivery(data: Mapping[str, Any]) -> Delivery:
    """The delivery that a JSON object spells; raises ValueError for anything else."""
    try:
        values = dict(data)
        values["tasks"] = tuple(_decode_task(task) for task in data["tasks"])
        return Delivery(**values)
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a delivery: {error}") from error


def decode_predecessor(data: Mapping[str, Any]) -> DeliveryPredecessor:
    """One predecessor as a delivery or a manifest spells it."""
    values = dict(data)
    values["file"] = DeliveryFile(**data["file"]) if data.get("file") else None
    values["artifacts"] = tuple(SavedArtifact(**artifact) for artifact in data.get("artifacts", ()))
    return DeliveryPredecessor(**values)


def _decode_task(data: Mapping[str, Any]) -> DeliveryTask:
    values = dict(data)
    values["files"] = tuple(DeliveryFile(**file) for file in data.get("files", ()))
    values["predecessors"] = tuple(decode_predecessor(row) for row in data.get("predecessors", ()))
    return DeliveryTask(**values)


def encode_manifest(files: Iterable[DeliveryFile], predecessors: Iterable[DeliveryPredecessor]) -> bytes:
    """The bytes in the artifact store that stand for files and predecessors too many to travel in a message."""
    return json.dumps(
        _encode_inputs(files, predecessors), separators=(",", ":"), allow_nan=False, default=dict
    ).encode()


def decode_manifest(data: bytes) -> tuple[tuple[DeliveryFile, ...], tuple[DeliveryPredecessor, ...]]:
    """Files and predecessors of a manifest; raises ValueError for anything else."""
    try:
        content = json.loads(data)
        files = tuple(DeliveryFile(**file) for file in content["files"])
        return files, tuple(decode_predecessor(row) for row in content["predecessors"])
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a manifest: {error}") from error
