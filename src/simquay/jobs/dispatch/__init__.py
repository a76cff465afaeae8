"""Where tasks run: on Simquay's own threads, or on an executor of the user's.

Takes tasks with the memory that they need. Gives each to a thread or an executor once its memory is
reserved. Read ``threads.py`` first (the queue, and its rule for memory), then ``launchers.py``.
"""
