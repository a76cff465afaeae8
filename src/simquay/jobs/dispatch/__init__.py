"""Where tasks run: on Simquay's own threads, or on an executor of the user's.

Takes tasks with the memory that they need. Gives each to a thread or an executor, and a future for
it. Read ``tasks.py`` first, then ``threads.py`` (the queue, and its rule for memory).
"""
