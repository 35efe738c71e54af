"""The rooms for guests: Flask blueprints by audience.

A view loads through a door, is allowed, calls one service, answers. Reads with `db.reading()`,
never commits; what the rules refuse arrives as a Refusal and leaves as a sentence.
"""
