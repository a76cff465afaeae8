"""How long jobs wait, and how often they look: every constant of waiting and polling, in seconds.

An event ends a wait wherever there is one. Polls remain for the memory that other processes free,
for foreign jobs and executors, which report nothing, and for the pipes of worker processes.
"""

LONGEST_SLEEP = 1.0
"""The longest sleep of a waiter before it looks at the status again: a signal handler may have
ended the job between the last look and the sleep."""

SHORTEST_POLL = 0.001
"""The shortest time between two calls of the callback of ``wait_for_final_state``."""

EXIT_PATIENCE = 1.0
"""The time that the interpreter's exit gives running work to see that it was told to stop."""

MEMORY_POLL = 0.5
"""The time after which waiting tasks try again to reserve memory. A release in this process wakes
them at once; the poll is for memory that other processes free."""

TICK = 0.02
"""The time between two looks at whether foreign work is still wanted."""

FIRST_LOOK = 0.005
"""The time before the first look at a foreign run, or at a task on an executor that does not report
its begin: most small runs are over by then, undisturbed. Later intervals double."""

LAST_LOOK = 0.25
"""The longest time between two looks at whether a task of an executor has begun."""

LONGEST_QUERY = 0.5
"""The longest time between two questions for a foreign job's status."""

GRACE = 0.5
"""The time that a backend's ``run`` may take in a thread before the job counts as running: some
backends submit to a remote machine in that time, others do all the work."""

UNSUBMITTED = 0.1
"""The time after which a job that still says INITIALIZING counts as not submitted. An AerJob that
waits says so too; so it is given time, and its refusal of a second submission is no error."""

HEARTBEAT_INTERVAL = 0.1
"""The time between two heartbeats of a worker process during a run."""

SILENCE = 3 * HEARTBEAT_INTERVAL
"""The time without a heartbeat after which a worker's run counts as running: foreign code keeps the
interpreter's lock, as Aer's mostly does."""

SPARE_AFTER = 3.0
"""The time that a pool without an idle worker must be left alone before it starts a spare one: who
cancels a run wants to see the machine idle, and who runs for long may cancel."""

REAPING = 5.0
"""The time that a killed process may take to be gone, in which the system frees its memory."""
