"""The steps and pipelines of this process, collected from installed packages and named modules."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import ModuleType

from jobengine.domain.announcements import PipelineSpec
from jobengine.domain.records import StepSpec
from jobengine.runtime.definitions import StepDefinition, definition_of

log = logging.getLogger(__name__)

ENTRY_POINTS = "jobengine.steps"


@dataclass(slots=True)
class Registry:
    """What was collected; ``failures`` says by name which packages could not be imported, and why."""

    steps: dict[str, StepDefinition] = field(default_factory=dict)
    pipelines: dict[tuple[str, int], PipelineSpec] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def specs(self) -> list[StepSpec]:
        """What the engine needs to know of the steps, by name."""
        return [self.steps[name].spec for name in sorted(self.steps)]

    def queues(self) -> list[str]:
        """The queues that the steps are sent to."""
        return sorted({definition.spec.queue for definition in self.steps.values()})

    def collect(self, module: ModuleType) -> None:
        """Take in the steps and pipelines that the module's names are bound to.

        Raises ValueError when a step's name is taken by another step.
        """
        for value in list(vars(module).values()):
            definition = definition_of(value)
            if definition is not None:
                known = self.steps.setdefault(definition.spec.name, definition)
                if known.function is not definition.function:
                    raise ValueError(f"the step {definition.spec.name!r} is defined twice")
            elif isinstance(value, PipelineSpec):
                self.pipelines[value.name, value.version] = value


def load_steps(modules: Iterable[str] = ()) -> Registry:
    """The steps of all installed packages (entry points ``jobengine.steps``) and of these modules.

    One that fails to import, whatever it raises, is reported and stops nothing else.
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
    except Exception as error:
        registry.failures[name] = f"{type(error).__name__}: {error}"
        log.exception("the steps of %s cannot be loaded", name)
