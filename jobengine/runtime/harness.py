"""Running one step on some files without Redis or a database: for the tests of its author."""

from __future__ import annotations

import hashlib
import io
import mimetypes
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobengine.artifacts import open_artifact_store
from jobengine.domain.interfaces.artifacts import ArtifactStore
from jobengine.domain.records import Scope
from jobengine.domain.reports import DeliveryFile, DeliveryPredecessor, SavedArtifact
from jobengine.runtime.context import Context, Voice
from jobengine.runtime.definitions import StepFunction, definition_of
from jobengine.runtime.parameters import load_parameters
from jobengine.runtime.runner import check_media_types, check_result

_RESULT_LIMIT_BYTES = 1024**2


@dataclass(slots=True)
class StepRun:
    """What a step did: its result, the bytes of its artifacts by name, its progress and log."""

    step: str
    result: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    media_types: dict[str, str] = field(default_factory=dict)
    progress: list[tuple[float, str]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    files: tuple[Path, ...] = ()


def run_step(
    step: StepFunction,
    files: Sequence[Path | str] = (),
    parameters: Mapping[str, Any] | None = None,
    predecessors: Sequence[StepRun] = (),
) -> StepRun:
    """Run a step in a temporary folder.

    ``predecessors`` are earlier runs. Reject and Retry are raised as the step raises them; results and media types are
    checked as a worker checks them. Raises TypeError for a function that is no step, and ValueError where a step that
    works on one file is given none, or several.
    """
    definition = definition_of(step)
    if definition is None:
        raise TypeError(f"{step!r} is not a step")
    paths = tuple(map(Path, files))
    if definition.spec.scope is Scope.FILE and len(paths) != 1:
        raise ValueError(f"{definition.spec.name} works on one file at a time, and was given {len(paths)}")
    run = StepRun(definition.spec.name, files=paths)
    with tempfile.TemporaryDirectory(prefix="jobengine-") as place:
        store = open_artifact_store((Path(place) / "artifacts").as_uri())
        folder = Path(place) / "task"
        folder.mkdir()

        def keep(path: Path) -> DeliveryFile:
            with path.open("rb") as stream:
                stored = store.put(stream)
            media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            identifier = hashlib.sha256(path.name.encode()).hexdigest()[:24]
            return DeliveryFile(identifier, path.name, media_type, stored.size_bytes, stored.sha256)

        context = Context(
            task_id="0" * 24,
            job_id="0" * 24,
            attempt=1,
            parameters=load_parameters(definition.parameters, parameters or {}),
            files=[keep(path) for path in paths],
            predecessors=[_as_predecessor(earlier, store, keep) for earlier in predecessors],
            make_folder=lambda: folder,
            artifacts=store,
            voice=Voice(lambda fraction, message: run.progress.append((fraction, message)), run.log.append, bool),
        )
        check_media_types(definition, context)
        run.result = check_result(step(context), _RESULT_LIMIT_BYTES)
        for saved in context.saved:
            with store.open(saved.sha256) as stream:
                run.artifacts[saved.name] = stream.read()
            run.media_types[saved.name] = saved.media_type
    return run


def _as_predecessor(run: StepRun, store: ArtifactStore, keep: Callable[[Path], DeliveryFile]) -> DeliveryPredecessor:
    saved = []
    for name, data in run.artifacts.items():
        stored = store.put(io.BytesIO(data))
        saved.append(SavedArtifact(name, run.media_types[name], stored.size_bytes, stored.sha256))
    file = keep(run.files[0]) if len(run.files) == 1 else None
    return DeliveryPredecessor(run.step, "0" * 24, run.result, file, tuple(saved))
