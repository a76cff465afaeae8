"""The ``dense(k)`` strategy: gates become matrices on up to k qubits, for engines that multiply.

Takes gate operations and a profile. Gives passes that bring tiles of the state into cache and
multiply matrices there. Read ``search.py`` first; ``steps.py`` says what passes are made of.
"""
