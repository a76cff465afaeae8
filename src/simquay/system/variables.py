"""The environment variables that are read outside the registry, which has the others."""

from __future__ import annotations

__all__ = ["JOB_STORE"]

JOB_STORE = "SIMQUAY_JOB_STORE"
"""The folder of the job store; where it is set, all jobs are kept."""
