"""The machine and the process: CPUs, memory, versions, objects by name, fork and exit.

Takes nothing. Gives numbers, and registers of functions to call. Read ``cpus.py`` first; no module
here needs another but for ``cgroups.py``, which ``cpus.py`` and ``memory.py`` read limits with.
"""
