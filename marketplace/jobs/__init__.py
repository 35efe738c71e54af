"""The clockwork: Procrastinate tasks and the periodic schedule. Thin: each calls one service."""
