"""What the author of a step sees: declare a step, use its context, return, retry or reject."""

from jobengine.domain.announcements import PipelineSpec
from jobengine.domain.records import Node, RetryPolicy
from jobengine.runtime.context import Context, InputFile, Predecessor
from jobengine.runtime.definitions import pipeline, step
from jobengine.runtime.outcomes import Reject, Retry
from jobengine.runtime.registry import Registry, load_steps

__all__ = [
    "Context",
    "InputFile",
    "Node",
    "PipelineSpec",
    "Predecessor",
    "Registry",
    "Reject",
    "Retry",
    "RetryPolicy",
    "load_steps",
    "pipeline",
    "step",
]
