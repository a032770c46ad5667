"""Internal: the live panel in a page of a local server, without Jupyter."""

from runconsole.browser.serving import PanelServer

__all__ = ["PanelServer"]
