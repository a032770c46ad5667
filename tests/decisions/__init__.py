"""Decisions on every wire, judged by the server's own record."""
