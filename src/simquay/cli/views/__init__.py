"""Output of the commands: counts as an image, JSON documents, progress bars.

Takes counts, documents and jobs. Gives text on a terminal, or a file. Read ``counts.py`` first.
"""
