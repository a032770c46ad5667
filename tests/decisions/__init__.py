"""Decisions on every wire, judged by what the server says of them."""
