"""Questions about actions: the shapes in which libraries send them, the decisions, and the answers."""
