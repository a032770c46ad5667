// What the tests ask of a JupyterLab page, by the application object that the test server exposes.
// Added to each page before its own scripts run.
window.harness = {
  /** How many commands run, by the path of the notebook. */
  runs: new Map(),

  get app() {
    return window.jupyterapp;
  },

  panel(path) {
    if (!this.app) return undefined;
    return [...this.app.shell.widgets("main")].find((widget) => widget.context?.path === path && widget.content?.model);
  },

  /** Where a notebook stands: "absent", "loading", "busy" or "idle". */
  state(path) {
    const panel = this.panel(path);
    if (!panel) return "absent";
    const session = panel.sessionContext;
    if (!panel.context.isReady || !session.isReady || !session.session?.kernel) return "loading";
    return this.runs.get(path) > 0 || session.session.kernel.status !== "idle" ? "busy" : "idle";
  },

  /** Starts a command of the notebook and counts it as running until it ends. */
  start(path, command, index) {
    const panel = this.panel(path);
    this.app.shell.activateById(panel.id);
    if (index !== null) {
      panel.content.deselectAll();
      panel.content.activeCellIndex = index;
    }
    const count = (change) => this.runs.set(path, (this.runs.get(path) ?? 0) + change);
    count(1);
    this.app.commands.execute(command).finally(() => count(-1));
  },

  /** The tracebacks in the outputs of all cells. */
  errors(path) {
    const cells = this.panel(path).content.model.sharedModel.cells;
    return cells
      .flatMap((cell) => cell.toJSON().outputs ?? [])
      .filter((output) => output.output_type === "error")
      .map((output) => output.traceback.join("\n"));
  },

  /** Closes all documents without a question, and forgets what a page keeps in its tab: it is as new for the next test. */
  clear() {
    for (const widget of [...this.app.shell.widgets("main")]) widget.dispose();
    sessionStorage.clear();
  },

  /** Opens a notebook, whose kernel may have been installed since the page was loaded. */
  async open(path) {
    await this.app.serviceManager.kernelspecs.refreshSpecs();
    await this.app.commands.execute("docmanager:open", { path });
  },

  async save(path) {
    await this.panel(path).context.save();
  },

  async command(name, args) {
    await this.app.commands.execute(name, args);
  },
};
