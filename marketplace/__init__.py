"""Déclic: the marketplace house. Wired in `create_app` (see marketplace/application.py)."""
