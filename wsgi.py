"""The entry of every server and command: the only place that knows both the house and the sandbox.

`app` itself must stay the Flask application, or `flask --app wsgi` would pick the wrong commands.
"""

from __future__ import annotations

import config
from marketplace import create_app

settings = config.load()
app = create_app(settings)

if settings.sandbox:
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    import sandbox

    pages = sandbox.from_config(settings, clock=app.extensions["declic"].clock).pages
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/sandbox": pages})  # type: ignore[method-assign]
