"""The law: values, states, decisions, errors and events.

Standard library only. Nothing here reads a clock, an environment or a database:
`now` is an argument and every function gives the same answer for the same values.
"""
