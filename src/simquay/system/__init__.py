"""The machine and the process: CPUs, memory, versions, signatures, fork and exit.

Takes nothing. Gives numbers, and registers of functions to call. Read ``cpus.py`` first. It and
``memory.py`` read limits with ``cgroups.py``.
"""
