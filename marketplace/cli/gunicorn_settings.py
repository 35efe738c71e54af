"""How gunicorn serves: two processes of eight threads, each with an application of its own.

The application is loaded after the fork (`preload_app` is off): a pool of database connections
shared by two processes would mix their answers up.
"""

from gunicorn.http import message

worker_class = "gthread"
workers = 2
threads = 8
preload_app = False
timeout = 60
graceful_timeout = 8
keepalive = 5
# Longer than any address of ours (a question of 8 000 characters to the read API, each up to 12 bytes once
# encoded, docs/decisions/016), and than one of 20 000, so that a text pasted whole is told on our own page
# that it is too long; a longer one is refused before it is read. gunicorn caps the setting by a constant of
# its own, from which only "no limit at all" leads away: so the constant moves.
limit_request_line = message.MAX_REQUEST_LINE = 256 * 1024
limit_request_fields = 64
limit_request_field_size = 8190
# Its control socket lies in the home folder, where two instances would take it from each other.
control_socket_disable = True
