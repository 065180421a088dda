"""The context of a running step: its parameters and inputs, and what it can say and save."""

from __future__ import annotations

import io
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from jobengine.domain.interfaces.artifacts import ArtifactStore
from jobengine.domain.reports import DeliveryFile, DeliveryPredecessor, SavedArtifact
from jobengine.runtime.outcomes import Canceled

_CANCEL_CHECK_SECONDS = 1.0
_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class InputFile:
    """Bytes that a step reads: a file of the job, or an artifact of a predecessor. ``id`` is empty for an artifact."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    _artifacts: ArtifactStore
    _folder: Callable[[], Path]

    def open(self) -> BinaryIO:
        """A stream of the bytes."""
        return self._artifacts.open(self.sha256)

    def path(self) -> Path:
        """A local copy, in the task's temporary folder; its name says nothing of the file's."""
        place = self._folder() / f"input-{self.sha256}"
        if not place.exists():
            # Under another name until it is whole: a step that tries again must not find half of it.
            part = place.with_name(f"part-{uuid.uuid4().hex}")
            try:
                with self.open() as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                part.replace(place)
            finally:
                part.unlink(missing_ok=True)
        return place


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What a task that came before made: its result and artifacts, and the file it worked on, if one."""

    step: str
    result: Mapping[str, Any]
    file: InputFile | None
    artifacts: tuple[InputFile, ...]

    def artifact(self, name: str) -> InputFile:
        """The artifact of that name; raises KeyError."""
        for artifact in self.artifacts:
            if artifact.name == name:
                return artifact
        raise KeyError(f"{self.step} saved no artifact {name!r}")


@dataclass(frozen=True, slots=True)
class Voice:
    """Where a context sends what the step says; the runner's or the harness'."""

    progress: Callable[[float, str], None]
    log: Callable[[str], None]
    is_canceled: Callable[[], bool]


class Context:
    """All that a step sees of the engine."""

    def __init__(
        self,
        *,
        task_id: str,
        job_id: str,
        attempt: int,
        parameters: Mapping[str, Any],
        files: Sequence[DeliveryFile],
        predecessors: Sequence[DeliveryPredecessor],
        make_folder: Callable[[], Path],
        artifacts: ArtifactStore,
        voice: Voice,
    ) -> None:
        self.task_id = task_id
        self.job_id = job_id
        self.attempt = attempt
        self.parameters = parameters
        self._make_folder = make_folder
        self._made_folder: Path | None = None
        self._artifacts = artifacts
        self._voice = voice
        self._asked_at = float("-inf")
        self._is_canceled = False
        self._saved: dict[str, SavedArtifact] = {}
        self.files = tuple(self._file(file) for file in files)
        self.predecessors = tuple(self._predecessor(row) for row in predecessors)

    @property
    def folder(self) -> Path:
        """A folder of the task's own, made when it is first asked for and removed when the task ends."""
        if self._made_folder is None:
            self._made_folder = self._make_folder()
        return self._made_folder

    @property
    def file(self) -> InputFile:
        """The one input file of a step that runs per file."""
        (file,) = self.files
        return file

    @property
    def saved(self) -> tuple[SavedArtifact, ...]:
        """What was saved so far."""
        return tuple(self._saved.values())

    def save_artifact(self, name: str, source: bytes | Path | BinaryIO, media_type: str) -> SavedArtifact:
        """Store bytes beside the result; a name is used once per task. Raises ValueError for a bad name."""
        if not name or len(name) > _NAME_LENGTH or any(ord(char) < 32 or char in "/\\" for char in name):
            raise ValueError(f"{name!r} cannot name an artifact")
        if name in self._saved:
            raise ValueError(f"an artifact named {name!r} was saved already")
        if isinstance(source, bytes):
            stored = self._artifacts.put(io.BytesIO(source))
        elif isinstance(source, Path):
            with source.open("rb") as stream:
                stored = self._artifacts.put(stream)
        else:
            stored = self._artifacts.put(source)
        self._saved[name] = SavedArtifact(name, media_type, stored.size_bytes, stored.sha256)
        return self._saved[name]

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the step is, from 0 to 1. A step whose task was canceled ends here."""
        if self.is_canceled():
            raise Canceled
        self._voice.progress(min(1.0, max(0.0, float(fraction))), str(message)[:1000])

    def log(self, text: str) -> None:
        """Write a line to the task's log."""
        self._voice.log(str(text))

    def is_canceled(self) -> bool:
        """Whether nobody wants the task any more; asked at most once a second."""
        now = time.monotonic()
        if not self._is_canceled and now - self._asked_at >= _CANCEL_CHECK_SECONDS:
            self._asked_at = now
            self._is_canceled = self._voice.is_canceled()
        return self._is_canceled

    def _inputs(self) -> Path:
        place = self.folder / ".inputs"
        place.mkdir(exist_ok=True)
        return place

    def _file(self, file: DeliveryFile) -> InputFile:
        return InputFile(
            file.id, file.name, file.media_type, file.size_bytes, file.sha256, self._artifacts, self._inputs
        )

    def _predecessor(self, row: DeliveryPredecessor) -> Predecessor:
        artifacts = tuple(
            InputFile("", saved.name, saved.media_type, saved.size_bytes, saved.sha256, self._artifacts, self._inputs)
            for saved in row.artifacts
        )
        return Predecessor(row.step, row.result, self._file(row.file) if row.file else None, artifacts)
