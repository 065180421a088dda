"""Pipelines that owners make: drafts can change, published versions cannot, retired ones take no jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jobengine.domain.errors import conflict, invalid, not_found
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.pipeline import check_nodes
from jobengine.domain.records import Node, Pipeline, PipelineState
from jobengine.verbs.checking import check_node_parameters
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans


@dataclass(frozen=True, slots=True)
class PipelineDraft:
    """What an owner wants a pipeline to be."""

    name: str
    nodes: tuple[Node, ...]
    title: str = ""
    description: str = ""


def check_draft(ledger: Ledger, plans: Plans, draft: PipelineDraft) -> None:
    """Refuse what could not run: unknown steps, circles, parameters that a step does not take."""
    steps = plans.steps(ledger, {node.step for node in draft.nodes})
    check_nodes(draft.nodes, steps)
    for node in draft.nodes:
        check_node_parameters(node, {}, steps[node.step])


def create_pipeline(outside: Outside, plans: Plans, owner_id: str, draft: PipelineDraft) -> Pipeline:
    """A new draft; it may name steps that are not there yet, and is checked when it is published."""
    with outside.store.begin() as ledger:
        if ledger.catalog.find_pipeline(None, draft.name) is not None:
            raise conflict(f"{draft.name!r} is the name of a built-in pipeline; choose another.", "name")
        now = outside.clock()
        pipeline = Pipeline(
            outside.ids.new(),
            owner_id,
            draft.name,
            _next_version(ledger, owner_id, draft.name),
            PipelineState.DRAFT,
            draft.title,
            draft.description,
            draft.nodes,
            now,
        )
        ledger.catalog.put_pipelines([pipeline])
    return pipeline


def change_pipeline(
    outside: Outside, plans: Plans, owner_id: str | None, pipeline_id: str, draft: PipelineDraft
) -> Pipeline:
    """Change a draft; raises EngineError(CONFLICT) for a published one."""
    with outside.store.begin() as ledger:
        pipeline = own_pipeline(ledger, owner_id, pipeline_id)
        if pipeline.state is not PipelineState.DRAFT:
            raise conflict("A published pipeline cannot change; make a new draft of the same name.")
        if draft.name != pipeline.name:
            raise invalid("The name of a draft stays; make a new draft.", "name")
        changed = replace(pipeline, nodes=draft.nodes, title=draft.title, description=draft.description)
        ledger.catalog.put_pipelines([changed])
    return changed


def publish_pipeline(outside: Outside, plans: Plans, owner_id: str | None, pipeline_id: str) -> Pipeline:
    """Publish a draft: from then on it takes jobs and cannot change. Publishing again changes nothing."""
    with outside.store.begin() as ledger:
        pipeline = own_pipeline(ledger, owner_id, pipeline_id)
        if pipeline.state is PipelineState.RETIRED:
            raise conflict("The pipeline is retired.")
        if pipeline.state is PipelineState.PUBLISHED:
            return pipeline
        draft = PipelineDraft(pipeline.name, pipeline.nodes, pipeline.title, pipeline.description)
        check_draft(ledger, plans, draft)
        published = replace(pipeline, state=PipelineState.PUBLISHED, published_at=outside.clock())
        ledger.catalog.put_pipelines([published])
    return published


def retire_pipeline(outside: Outside, plans: Plans, owner_id: str | None, pipeline_id: str) -> Pipeline:
    """Take no more jobs; those that run go on."""
    with outside.store.begin() as ledger:
        pipeline = own_pipeline(ledger, owner_id, pipeline_id)
        if pipeline.state is PipelineState.DRAFT:
            raise conflict("A draft takes no jobs anyway.")
        retired = replace(pipeline, state=PipelineState.RETIRED)
        ledger.catalog.put_pipelines([retired])
    return retired


def own_pipeline(ledger: Ledger, owner_id: str | None, pipeline_id: str) -> Pipeline:
    """A pipeline that the owner made, locked; raises EngineError(NOT_FOUND). Built-in ones are nobody's to change."""
    pipeline = ledger.catalog.pipelines([pipeline_id], lock=True).get(pipeline_id)
    if pipeline is None or pipeline.owner_id is None or owner_id not in (None, pipeline.owner_id):
        raise not_found("pipeline of your own", pipeline_id)
    return pipeline


def _next_version(ledger: Ledger, owner_id: str, name: str) -> int:
    version = 1
    while ledger.catalog.find_pipeline(owner_id, name, version) is not None:
        version += 1
    return version
