"""The records: SQLAlchemy 2 typed classes and the queries asked of them.

Imports the domain and sqlalchemy, nothing above. One commit in the tree: `db.transaction()`.
"""
