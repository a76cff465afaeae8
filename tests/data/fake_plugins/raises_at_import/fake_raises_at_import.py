"""A plugin whose module fails."""

from simquay.plugin import BackendSpec, hookimpl

__all__ = ["BackendSpec", "hookimpl"]

raise RuntimeError("libfake.so.3:\ncannot open shared object file")
