"""The machine and the process: its CPUs, its memory, and what happens at fork and exit.

Takes nothing. Gives numbers, and places to register. Read any file: none is longer than a page.
"""
