"""Worker processes: for work that can only be stopped by ending the process that does it.

Takes circuits, options and a way to make a backend. Gives a result, an error, or the end of the
process. Read ``process.py`` first (one worker, seen from outside), then ``main.py`` (inside it).

Neither pebble 5.2.3 nor loky 3.7.0 can be used instead. Both give tasks to workers through one
queue, so that none can be sent to the worker that has the backend, and neither brings messages of a
task that runs (heartbeats, the foreign job's status). With both, a busy worker outlives a parent
that was killed. Besides:

- pebble's ``cancel`` sends SIGTERM first, and SIGKILL 3 s later where foreign code keeps the
  interpreter's lock; the death of an idle worker breaks the pool for good; processes come from
  ``multiprocessing``, whose start method ``spawn`` imports the caller's ``__main__``.
- loky cannot cancel a task that runs (``cancel()`` is False); the death of one worker fails the
  tasks of all of them (``TerminatedWorkerError``); in a forked child its executor never answers.
"""
