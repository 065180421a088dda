"""The routes of this dialect, gathered from its resources."""

from api.dialects.biodock import analysis_jobs, filesystem, masks, other
from api.dialects.biodock.door import blueprint

__all__ = ["analysis_jobs", "blueprint", "filesystem", "masks", "other"]
