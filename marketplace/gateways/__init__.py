"""The doors: what we need from outside, and who provides it (docs/architecture.md).

A port is a Protocol in our words with frozen value types and our own errors (`payments.py`); an
adapter is one file or package named port_provider (`payments_stripe`), and the only one that imports
its vendor library. Doors may import the domain; never storage, services or web.
"""
