"""The store of jobs: what is kept of them in a folder, for later processes.

Takes a job's circuits, request, status, tasks' answers and result. Gives them back, by the job's id
or by a search, in any process of this machine. Read ``store.py`` first; docs/reference/job-store.md
describes the format. ``database.py`` is the table that is searched, ``documents.py`` writes the
files, ``encoding.py`` says how values are written, ``forms.py`` which classes they may be of, and
``owners.py`` tells which processes live.
"""
