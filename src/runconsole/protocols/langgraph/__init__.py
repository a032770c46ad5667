"""Threads of a LangGraph Agent Server, over its event stream and the REST calls beside it."""
