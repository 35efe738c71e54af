"""What every process of the kill test has imported before it is forked."""

import gunicorn.app.wsgiapp  # noqa: F401
import gunicorn.workers.gthread  # noqa: F401

import marketplace.jobs.tasks  # noqa: F401
import sandbox  # noqa: F401
from marketplace.web import api, buyer, expert, operator, public  # noqa: F401
from tests.fire import child  # noqa: F401
