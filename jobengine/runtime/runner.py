"""Running deliveries: claim, run each task, report.

Rules:
1. Only who took the ticket runs a delivery; a message that comes twice is dropped here.
2. Whatever a step does, its task is reported, and the next task of the delivery is run.
3. A result is reported after its artifacts are stored.
4. In a worker that was told to stop no task begins: what is left of the delivery goes back, after what was done of it
   has been reported.
5. A task that nobody wants any more does not begin.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobengine.config import Settings
from jobengine.domain.errors import EngineError
from jobengine.domain.interfaces.artifacts import ArtifactStore
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.transport import AttemptKey, WorkerChannel
from jobengine.domain.reports import Delivery, DeliveryTask, Report, ReportKind, decode_manifest
from jobengine.domain.states import FailureKind
from jobengine.runtime.buffer import ReportBuffer
from jobengine.runtime.context import Context, Voice
from jobengine.runtime.definitions import StepDefinition
from jobengine.runtime.limits import Alarm
from jobengine.runtime.meter import UsageMeter
from jobengine.runtime.outcomes import Canceled, Reject, Retry, TimeLimitReached
from jobengine.runtime.parameters import load_parameters
from jobengine.runtime.registry import Registry
from jobengine.runtime.tasklog import LogCapture, TaskLog

log = logging.getLogger(__name__)

_TRACEBACK_CHARACTERS = 16_000
_ANY_MEDIA_TYPE = "application/octet-stream"

_CANCEL_CHECK_SECONDS = 1.0

# A pool's process that is told to end by a signal exits with its number less 256.
_SIGNAL_EXIT_CODES = range(-255, -256 + signal.NSIG)

OnTask = Callable[[str | None, float, int | None], None]
"""Told the ID, the time limit in seconds and the memory limit of each task that starts, and None after."""

IsStopping = Callable[[], bool]
IsCanceled = Callable[[str, int], bool]
Say = Callable[[ReportKind, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Parent:
    """The process that looks after this one: it hears what is at work, and knows whether to stop.

    A worker's parent also asks for all of its children what was canceled, so that no step waits for Redis to answer.
    Without ``is_canceled`` the channel is asked.
    """

    on_task: OnTask = lambda task_id, limit_seconds, memory_limit_bytes: None
    is_stopping: IsStopping = lambda: False
    is_canceled: IsCanceled | None = None


class Runner:
    """Runs deliveries in this process, one after the other."""

    def __init__(
        self,
        registry: Registry,
        channel: WorkerChannel,
        artifacts: ArtifactStore,
        settings: Settings,
        clock: Clock = time.time,
        parent: Parent = Parent(),
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._registry = registry
        self._channel = channel
        self._artifacts = artifacts
        self._settings = settings
        self._clock = clock
        self._parent = parent
        self._monotonic = monotonic
        self._buffer = ReportBuffer(channel)
        self._alarm = Alarm()
        self._capture = LogCapture()
        self._meter = UsageMeter()

    def run(self, delivery: Delivery, worker: str) -> None:
        """Run a delivery, if it is ours to run."""
        unwanted = self._channel.claim(delivery.id, worker, _attempts(delivery.tasks))
        if unwanted is None:
            log.info("the delivery %s was withdrawn or is run by somebody else", delivery.id)
            return
        with self._buffer as buffer, self._alarm, self._capture:
            is_done = self._run_tasks(delivery, worker, buffer, unwanted)
            if not is_done:
                buffer.add(Report(ReportKind.RETURNED, worker, self._clock(), delivery.id))

    def _run_tasks(self, delivery: Delivery, worker: str, buffer: ReportBuffer, unwanted: set[AttemptKey]) -> bool:
        """Run the tasks that are wanted; False when some were left for others."""
        definition = self._registry.steps.get(delivery.step)
        if definition is None:
            log.error("this worker has no step %s; the delivery goes back", delivery.step)
            return False
        self._meter.lap()
        asked_at = self._monotonic()
        for index, task in enumerate(delivery.tasks):
            if self._parent.is_stopping():
                log.info("the worker stops; %d tasks of %s go back", len(delivery.tasks) - index, delivery.id)
                return False
            if self._monotonic() - asked_at >= _CANCEL_CHECK_SECONDS:
                asked_at = self._monotonic()
                unwanted = self._channel.canceled(_attempts(delivery.tasks[index:]))
            if (task.task_id, task.attempt) not in unwanted:
                self._run_task(definition, delivery, task, worker, buffer)
        return True

    def _run_task(
        self, definition: StepDefinition, delivery: Delivery, task: DeliveryTask, worker: str, buffer: ReportBuffer
    ) -> None:
        def say(kind: ReportKind, body: Mapping[str, Any]) -> None:
            report = Report(kind, worker, self._clock(), delivery.id, task.task_id, task.attempt, body)
            # A process that goes down the next moment shall leave its last words behind.
            (buffer.add_urgent if kind is ReportKind.LOGGED else buffer.add)(report)

        say(ReportKind.STARTED, {})
        self._parent.on_task(task.task_id, delivery.time_limit_seconds, delivery.memory_limit_bytes)
        began_at = self._monotonic()
        try:
            kind, body = self._outcome(definition, delivery, task, say)
        finally:
            self._parent.on_task(None, 0.0, None)
        if kind is not None:
            say(kind, {**body, **self._meter.lap(), "seconds": self._monotonic() - began_at})

    def _outcome(
        self, definition: StepDefinition, delivery: Delivery, task: DeliveryTask, say: Say
    ) -> tuple[ReportKind | None, dict[str, Any]]:
        """Run the step; what to report of it, or None for a task that was canceled."""
        try:
            with self._context(definition, task, say) as context, self._alarm.after(delivery.time_limit_seconds):
                result = check_result(definition.function(context), self._settings.result_limit_bytes)
                saved = [
                    {"name": s.name, "media_type": s.media_type, "size_bytes": s.size_bytes, "sha256": s.sha256}
                    for s in context.saved
                ]
            return ReportKind.SUCCEEDED, {"result": result, "artifacts": saved}
        except Canceled:
            return None, {}
        except BaseException as error:
            # A step may raise anything, and all of it is reported: also sys.exit, and what is no Exception elsewhere.
            if isinstance(error, KeyboardInterrupt) or _is_by_signal(error):
                raise
            return ReportKind.FAILED, _failure(error, delivery.time_limit_seconds)

    def _is_canceled(self, task: DeliveryTask) -> bool:
        if self._parent.is_canceled is not None:
            return self._parent.is_canceled(task.task_id, task.attempt)
        return bool(self._channel.canceled([(task.task_id, task.attempt)]))

    @contextlib.contextmanager
    def _context(self, definition: StepDefinition, task: DeliveryTask, say: Say) -> Iterator[Context]:
        files, predecessors = task.files, task.predecessors
        if task.manifest_sha256 is not None:
            with self._artifacts.open(task.manifest_sha256) as stream:
                files, predecessors = decode_manifest(stream.read())
        task_log = TaskLog(lambda text: say(ReportKind.LOGGED, {"text": text}))
        voice = Voice(
            progress=lambda fraction, message: say(ReportKind.PROGRESSED, {"fraction": fraction, "message": message}),
            log=task_log.write,
            is_canceled=lambda: self._is_canceled(task),
        )
        with contextlib.ExitStack() as stack, self._capture.into(task_log):
            context = Context(
                task_id=task.task_id,
                job_id=task.job_id,
                attempt=task.attempt,
                parameters=load_parameters(definition.parameters, task.parameters),
                files=files,
                predecessors=predecessors,
                make_folder=lambda: Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jobengine-"))),
                artifacts=self._artifacts,
                voice=voice,
            )
            check_media_types(definition, context)
            yield context


def _attempts(tasks: Iterable[DeliveryTask]) -> list[AttemptKey]:
    return [(task.task_id, task.attempt) for task in tasks]


def check_media_types(definition: StepDefinition, context: Context) -> None:
    """Raise Reject for an input whose type the step does not take; unknown types are left to the step."""
    accepts = definition.spec.accepts
    for file in context.files if accepts else ():
        if file.media_type not in (*accepts, _ANY_MEDIA_TYPE):
            raise Reject(f"{file.name!r} is of the type {file.media_type}; this step takes {', '.join(accepts)}.")


def check_result(result: object, limit_bytes: int) -> dict[str, Any]:
    """The result as a JSON object; raises TypeError or ValueError that says what is wrong with it."""
    if not isinstance(result, Mapping):
        raise TypeError(f"a step returns a mapping, not {type(result).__name__}")
    text = json.dumps(dict(result), allow_nan=False)
    if len(text) > limit_bytes:
        raise ValueError(f"the result has {len(text)} bytes, {limit_bytes} are allowed; save large data as an artifact")
    return dict(json.loads(text))


def _is_by_signal(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in _SIGNAL_EXIT_CODES


def _failure(error: BaseException, limit_seconds: float) -> dict[str, Any]:
    said = _words_of(error)
    match error:
        case Reject():
            return {"kind": FailureKind.STEP.value, "message": said}
        case Retry():
            return {"kind": FailureKind.STEP.value, "message": said, "retry_after_seconds": error.after_seconds}
        case TimeLimitReached():
            kind, message = FailureKind.TIMEOUT, f"The step ran longer than {limit_seconds:g} seconds."
        case MemoryError():
            kind, message = FailureKind.MEMORY, "The step ran out of memory."
        case EngineError() | OSError(errno=errno.ENOSPC | errno.EDQUOT):
            kind, message = FailureKind.SYSTEM, said
        case _:
            kind, message = FailureKind.CRASH, f"{type(error).__name__}: {said}"
    text = "".join(traceback.format_exception(error))
    return {"kind": kind.value, "message": message[:2000], "traceback": text[-_TRACEBACK_CHARACTERS:]}


def _words_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is the step's own class, and may be broken as well
        return "it cannot say what is wrong."
