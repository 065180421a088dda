"""The image field: objects in microscope images, found, measured and tabulated."""

from jobengine.runtime import Node, pipeline
from workers.image.steps import masks, measure, segment, tables

_NODES = (
    Node("measure", "image.measure", after=("segment",)),
    Node("tables", "image.tables", after=("measure",)),
)

NUCLEI = pipeline(
    "nuclei",
    version=1,
    title="Fluorescent nuclei",
    description="Bright nuclei on a dark ground, or the other way round.",
    nodes=[Node("segment", "image.segment"), *_NODES],
)

BRIGHTFIELD = pipeline(
    "brightfield",
    version=1,
    title="Bright-field objects",
    description="Dark objects on a bright, uneven ground.",
    nodes=[
        Node(
            "segment",
            "image.segment",
            parameters={"polarity": "dark", "sigma": 2.0, "background_radius": 50.0, "method": "otsu", "min_area": 100},
        ),
        *_NODES,
    ],
)

MASKS = pipeline(
    "masks",
    version=1,
    title="Masks of an earlier job",
    description="Label images and objects of every file, in one ZIP.",
    nodes=[Node("masks", "image.masks", from_parent=("segment", "measure"))],
)

__all__ = ["BRIGHTFIELD", "MASKS", "NUCLEI", "masks", "measure", "segment", "tables"]
