"""The kill test (issue 8): whatever is killed, nothing is lost and nothing happens twice. See README.md."""
