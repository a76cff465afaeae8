"""Plans run on an engine: branching, sampling and memory, once for all engines."""
