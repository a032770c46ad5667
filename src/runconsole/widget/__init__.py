"""Internal: `ConsoleWidget`: a console with a live panel in a notebook."""

from runconsole.widget.widget import ConsoleWidget

__all__ = ["ConsoleWidget"]
