"""How results are shown: counts as a table, a histogram or a picture, and progress.

Takes results and jobs. Gives text, or a file. Read ``counts.py`` first.
"""
