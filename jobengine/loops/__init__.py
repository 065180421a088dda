"""The loops of the engine process: dispatcher, recorder, rescuer, pruner, each around one verb."""
