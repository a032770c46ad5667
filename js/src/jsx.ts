/** The bundle's element factory: `h(type, props, ...children)` takes 3 KB less than the automatic runtime's calls. */
export { Fragment, h } from "preact";
