"""The point of the contract about jobs that are kept (J42)."""

from __future__ import annotations

import tempfile

from simquay.testing.harness.context import CheckContext


def j42_kept_jobs(context: CheckContext) -> None:
    """With `keep=True` a job is found in later processes, and resumed where its own one died."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store:
        told = context.run_child("keep", store=store)
        context.run_child("find", store=store, told=told, resumable=context.factory is None)
