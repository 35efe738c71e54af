"""Moderation: the operators' cases, what people report, and restrictions with their reasons."""
