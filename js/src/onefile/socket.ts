/** The port of a panel in a page of its own: a socket to the program that shows the run. */
import type { FromKernel, ToKernel } from "../kernel/contract";
import { markedMessage } from "../kernel/marks";
import { PagePort } from "./page-port";

const AGAIN_MS = 1000;

export class SocketPort extends PagePort {
  readonly #url: string;
  readonly #changed: (open: boolean) => void;
  #socket: WebSocket;
  /** Messages of the time before the first connection. */
  #early: ToKernel[] | null = [];

  /** `changed` is called when the connection opens or is lost. */
  constructor(url: string, changed: (open: boolean) => void) {
    super();
    this.#url = url;
    this.#changed = changed;
    this.#socket = this.#connect();
  }

  send(message: ToKernel): boolean {
    if (this.#early) {
      this.#early.push(message);
      return true;
    }
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #connect(): WebSocket {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      const early = this.#early ?? [{ kind: "snapshot", have: -1 }];
      this.#early = null;
      for (const message of early) this.send(message);
      this.#changed(true);
    };
    socket.onmessage = ({ data }) => this.emit(markedMessage(JSON.parse(data) as FromKernel));
    socket.onclose = () => {
      this.#changed(false);
      setTimeout(() => this.#connect(), AGAIN_MS);
    };
    return socket;
  }
}
