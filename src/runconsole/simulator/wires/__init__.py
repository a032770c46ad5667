"""The simulator's servers, one for each protocol."""
