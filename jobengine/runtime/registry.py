"""The steps and pipelines of this process, collected from installed packages and named modules."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import ModuleType

from jobengine.domain.announcements import PipelineSpec
from jobengine.domain.records import StepSpec
from jobengine.runtime.definitions import StepDefinition, definition_of

ENTRY_POINTS = "jobengine.steps"


@dataclass(slots=True)
class Registry:
    """What was collected; ``failures`` says by name which packages could not be used, and why."""

    steps: dict[str, StepDefinition] = field(default_factory=dict)
    pipelines: dict[tuple[str, int], PipelineSpec] = field(default_factory=dict)
    failures: dict[str, BaseException] = field(default_factory=dict)

    def reason_of(self, name: str) -> str:
        """Why a package could not be used, in one line."""
        error = self.failures[name]
        return f"{type(error).__name__}: {error}"

    def specs(self) -> list[StepSpec]:
        """What the engine needs to know of the steps, by name."""
        return [self.steps[name].spec for name in sorted(self.steps)]

    def queues(self) -> list[str]:
        """The queues that the steps are sent to."""
        return sorted({definition.spec.queue for definition in self.steps.values()})

    def collect(self, module: ModuleType) -> None:
        """Take in the steps and pipelines that the module's names are bound to.

        Raises ValueError and takes nothing when a name is taken by another step or pipeline.
        """
        steps, pipelines = dict(self.steps), dict(self.pipelines)
        for value in list(vars(module).values()):
            definition = definition_of(value)
            if definition is not None:
                known = steps.setdefault(definition.spec.name, definition)
                if known.function is not definition.function:
                    raise ValueError(f"the step {definition.spec.name!r} is defined twice")
            elif isinstance(value, PipelineSpec) and pipelines.setdefault((value.name, value.version), value) != value:
                raise ValueError(f"the pipeline {value.name!r}, version {value.version}, is defined twice")
        self.steps, self.pipelines = steps, pipelines


def load_steps(modules: Iterable[str] = ()) -> Registry:
    """The steps of all installed packages (entry points ``jobengine.steps``) and of these modules.

    One that cannot be used, whatever it raises, is kept in ``failures`` and stops nothing else.
    """
    registry = Registry()
    for entry in entry_points(group=ENTRY_POINTS):
        _load(registry, entry.name, entry.load)
    for name in modules:
        _load(registry, name, lambda name=name: importlib.import_module(name))  # type: ignore[misc]
    return registry


def _load(registry: Registry, name: str, load: Callable[[], ModuleType]) -> None:
    try:
        registry.collect(load())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - others' code may raise anything
        # A script that was not meant to be imported ends the process with SystemExit, which is no Exception.
        registry.failures[name] = error
