"""What every process of the kill test has imported before it is forked: the whole house."""

import importlib
import pkgutil

import gunicorn.app.wsgiapp
import gunicorn.workers.gthread  # noqa: F401
from sqlalchemy.orm import configure_mappers

import marketplace
import sandbox.__main__  # noqa: F401

for found in pkgutil.walk_packages(marketplace.__path__, "marketplace."):
    importlib.import_module(found.name)
configure_mappers()
importlib.import_module("tests.fire.child")
