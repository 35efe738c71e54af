"""The kill test (issue 8): whatever is killed, nothing is lost and nothing happens twice.

test_points.py   every call of the payment door (walkers.py), its process (child.py) ended by SIGKILL at each
                 point between intent, call and outcome; then the clock moves and a fresh process sweeps: both
                 sides' books (books.py) read as if nothing had been killed
test_fire.py     the whole site (site.py), eight people (clients.py), a killer (killer.py); everything comes to rest
                 (settling.py), and is judged from outside (judge.py)
full.py          what only `make fire` runs: the sweep killed too, and the flawed build (flawed.py) in the same fire
"""
