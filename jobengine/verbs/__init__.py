"""The write verbs of the engine, one file per noun; ``jobengine.engine`` is their front."""
