"""Whether requests can be met: pipeline, parameters, files, parent and limits, each named when it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from jobengine.domain.errors import EngineError, ErrorCode, conflict, invalid
from jobengine.domain.ids import is_id
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import PRIORITY_RANGE, Job, Node, Pipeline, PipelineState, StepSpec
from jobengine.domain.states import JobState
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans
from jobengine.verbs.requests import JobRequest

NAME_LENGTH = 300
LABELS_LIMIT = 50
LABEL_NAME_LENGTH = 100
LABEL_LENGTH = 300


class RequestCheck:
    """Checks the requests of one call against the ledger; what they share is read once.

    Every refusal is an EngineError whose field names the place in the request, under ``jobs.<index>`` where the call
    has several.
    """

    def __init__(
        self,
        outside: Outside,
        plans: Plans,
        ledger: Ledger,
        requests: Sequence[JobRequest],
        *,
        is_batch: bool = False,
    ) -> None:
        if not requests:
            raise invalid("Name at least one job.", "jobs")
        self._ledger = ledger
        self._plans = plans
        self._is_single = len(requests) == 1 and not is_batch
        self.steps = plans.steps(ledger)
        self._pipelines: dict[tuple[str, str], Pipeline] = {}
        owner_ids = sorted({request.owner_id for request in requests})
        for owner_id in owner_ids:
            ledger.files.hold(owner_id)
        self._files = ledger.files.fetch({file_id for request in requests for file_id in request.file_ids})
        self._parents = ledger.jobs.fetch({request.parent_id for request in requests if request.parent_id})
        for owner_id in owner_ids:
            self._check_limits(owner_id, sum(request.owner_id == owner_id for request in requests))

    def request(self, index: int, request: JobRequest) -> Pipeline:
        """The pipeline of a request that can be met; raises EngineError for any other."""
        try:
            if request.priority not in PRIORITY_RANGE:
                raise invalid("A priority is a whole number from 0 to 9; 9 goes first.", "priority")
            _check_words(request)
            pipeline = self._pipeline(request)
            check_parameters(request.parameters, pipeline, self.steps)
            self._check_files(request)
            self._check_parent(request, pipeline)
        except EngineError as error:
            raise self.placed(index, error) from None
        return pipeline

    def placed(self, index: int, error: EngineError) -> EngineError:
        """The error with the place of the request in front of its field."""
        if self._is_single or error.field is None:
            return error
        return EngineError(error.code, error.message, field=f"jobs.{index}.{error.field}")

    def _pipeline(self, request: JobRequest) -> Pipeline:
        key = (request.owner_id, request.pipeline)
        if key not in self._pipelines:
            self._pipelines[key] = self._find_pipeline(*key)
        return self._pipelines[key]

    def _find_pipeline(self, owner_id: str, wanted: str) -> Pipeline:
        pipeline = find_pipeline(self._ledger, owner_id, wanted)
        if pipeline is None or pipeline.state is PipelineState.DRAFT:
            raise invalid(f"There is no published pipeline {wanted!r}.", "pipeline")
        if pipeline.state is PipelineState.RETIRED:
            raise conflict(f"The pipeline {wanted!r} is retired and takes no more jobs.", "pipeline")
        named = {node.step for node in pipeline.nodes}
        self.steps = self._plans.steps(self._ledger, named)
        missing = sorted(named - self.steps.keys())
        if missing:
            raise invalid(f"No worker has announced the step {missing[0]!r} of this pipeline.", "pipeline")
        self._plans.load(self._ledger, {pipeline.id})
        return pipeline

    def _check_files(self, request: JobRequest) -> None:
        counts = Counter(request.file_ids)
        if len(counts) != len(request.file_ids):
            doubled = next(name for name, count in counts.items() if count > 1)
            raise invalid(f"The file {doubled!r} is named twice.", "files")
        for index, file_id in enumerate(request.file_ids):
            file = self._files.get(file_id)
            if file is None or file.owner_id != request.owner_id:
                raise invalid(f"There is no file with the ID {file_id!r}.", f"files.{index}")

    def _check_parent(self, request: JobRequest, pipeline: Pipeline) -> None:
        wanted = sorted({key for node in pipeline.nodes for key in node.from_parent})
        if request.parent_id is None:
            if wanted:
                raise invalid(f"The pipeline {pipeline.name!r} works on another job; name it as parent.", "parent")
            return
        parent = self._parents.get(request.parent_id)
        if parent is None or parent.owner_id != request.owner_id:
            raise invalid(f"There is no job with the ID {request.parent_id!r}.", "parent")
        if not parent.state.is_final:
            raise conflict(f"The parent job is still {parent.state.value}; wait until it has ended.", "parent")
        self._check_parent_nodes(parent, pipeline, wanted)

    def _check_parent_nodes(self, parent: Job, pipeline: Pipeline, wanted: Sequence[str]) -> None:
        self._plans.load(self._ledger, {parent.pipeline_id})
        there = self._plans.node_keys(parent.pipeline_id)
        missing = [key for key in wanted if key not in there]
        if missing:
            raise invalid(
                f"The pipeline {pipeline.name!r} needs the results of {missing[0]!r}, which a job of "
                f"{parent.pipeline_name!r} does not have.",
                "parent",
            )

    def _check_limits(self, owner_id: str, more: int) -> None:
        owner = self._ledger.owners.fetch([owner_id]).get(owner_id)
        limit = owner.limits.queued_jobs if owner else None
        if limit is None:
            return
        counts = self._ledger.jobs.statistics(owner_id)
        queued = sum(count for (_, state), count in counts.items() if state is JobState.PENDING)
        if queued + more > limit:
            raise EngineError(
                ErrorCode.LIMIT_REACHED,
                f"{queued} jobs wait to start, and {limit} are allowed; try again when some have started.",
                retry_after_seconds=10.0,
            )


def _check_words(request: JobRequest) -> None:
    if len(request.name) > NAME_LENGTH:
        raise invalid(f"A name has up to {NAME_LENGTH} characters.", "name")
    if len(request.labels) > LABELS_LIMIT:
        raise invalid(f"A job has up to {LABELS_LIMIT} labels.", "labels")
    for name, value in request.labels.items():
        # Lists are asked for name=value, so nobody could ask for a name that has the sign in it.
        if not 0 < len(name) <= LABEL_NAME_LENGTH or "=" in name:
            message = f"The name of a label has 1 to {LABEL_NAME_LENGTH} characters, none of them '='."
            raise invalid(message, f"labels.{name}")
        if len(value) > LABEL_LENGTH:
            raise invalid(f"A label has up to {LABEL_LENGTH} characters.", f"labels.{name}")


def find_pipeline(ledger: Ledger, owner_id: str | None, wanted: str) -> Pipeline | None:
    """The pipeline of that ID, name or ``name@version`` that the owner may see."""
    if is_id(wanted):
        found = ledger.catalog.pipelines([wanted]).get(wanted)
        return found if found and found.owner_id in (None, owner_id) else None
    name, _, version = wanted.partition("@")
    if version and not (version.isascii() and version.isdigit() and len(version) < 10):
        return None
    return ledger.catalog.find_pipeline(owner_id, name, int(version) if version else None)


def check_parameters(given: Mapping[str, Any], pipeline: Pipeline, steps: Mapping[str, StepSpec]) -> None:
    """Refuse parameters that a step of the pipeline does not know or cannot use, with their place as the field."""
    nodes = {node.key: node for node in pipeline.nodes}
    for key, values in given.items():
        if key not in nodes:
            raise invalid(f"The pipeline has no step {key!r}; it has {sorted(nodes)}.", f"parameters.{key}")
        if not isinstance(values, Mapping):
            raise invalid("The parameters of a step are an object.", f"parameters.{key}")
    for node in pipeline.nodes:
        check_node_parameters(node, given.get(node.key, {}), steps[node.step])


def check_node_parameters(node: Node, given: Mapping[str, Any], step: StepSpec) -> None:
    """Refuse what the JSON Schema of the step refuses, once the node's own parameters are added."""
    if not step.parameters_schema:
        if given or node.parameters:
            raise invalid(f"The step {step.name!r} takes no parameters.", f"parameters.{node.key}")
        return
    validator = Draft202012Validator(dict(step.parameters_schema))
    merged = {**node.parameters, **given}
    for error in sorted(validator.iter_errors(merged), key=lambda error: list(map(str, error.absolute_path))):
        place = ["parameters", node.key, *map(str, error.absolute_path)]
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = sorted(set(error.instance) - set(known))[0]
            sentence = f"There is no parameter {unknown!r}; there are: {', '.join(sorted(known)) or 'none'}."
            raise invalid(sentence, ".".join([*place, unknown]))
        raise invalid(f"{error.message}.", ".".join(place))
