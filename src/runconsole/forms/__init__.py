"""Answers as forms: the JSON Schema that a question has for its answer, and values that fit it."""
