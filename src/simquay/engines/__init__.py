"""Engines: they apply plans to arrays of amplitudes, and read them. No Qiskit, no shots, no seeds.

Takes plans (:mod:`simquay.planning`), each for the profile that the engine gives. Gives states that
stay with the engine, and from them probabilities, amplitudes and expectation values as NumPy
arrays. Read ``base.py`` first: the protocol of every engine. ``reference.py`` shows it at its
plainest; other engines are compared with it.
"""
