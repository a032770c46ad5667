/** A component that is painted again only when one of its properties is another object. */
import { Component, type ComponentChild, type FunctionComponent, h } from "preact";

export function memo<P extends object>(view: FunctionComponent<P>): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const old = this.props as Readonly<Record<string, unknown>>;
      const fresh = next as Readonly<Record<string, unknown>>;
      const names = Object.keys(fresh);
      return names.length !== Object.keys(old).length || names.some((name) => !Object.is(old[name], fresh[name]));
    }

    override render(): ComponentChild {
      return h(view, this.props as P);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
