"""A thread of an Agent Server: its event stream, and HTTP calls beside it, over one connection."""
