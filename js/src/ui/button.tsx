/** A button that submits no form. */
import type { ComponentProps } from "preact";

export function Button(props: Omit<ComponentProps<"button">, "type">) {
  return <button type="button" {...props} />;
}
