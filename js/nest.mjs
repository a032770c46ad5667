/** Shortens a minified style sheet: rules of one scope, one after the other, become rules within one rule. */

const SCOPE = ".runconsole";

/** The same style sheet, with each run of rules below the scope as nested rules. Specificity and order stay. */
export function nest(css) {
  let short = "";
  let run = "";
  for (const [prelude, body] of blocks(css)) {
    const inner = scoped(prelude, body);
    if (inner === null) {
      short += `${close(run)}${prelude}{${body}}`;
      run = "";
    } else run += inner;
  }
  return short + close(run);
}

/** The same style sheet, with short names for the custom properties that it declares itself: no script knows those. */
export function shorten(css) {
  const own = new Map();
  for (const [, name] of css.matchAll(/(--rc-[\w-]+):/g)) own.set(name, own.get(name) ?? `--r${own.size.toString(36)}`);
  return css.replace(/--rc-[\w-]+/g, (name) => own.get(name) ?? name);
}

function close(run) {
  return run === "" ? "" : `${SCOPE}{${run}}`;
}

/** A rule without its scope; null for one that cannot be nested. */
function scoped(prelude, body) {
  if (/^@(media|container)/.test(prelude)) {
    const inner = [...blocks(body)].map((rule) => scoped(...rule));
    return inner.includes(null) ? null : `${prelude}{${inner.join("")}}`;
  }
  const selectors = split(prelude);
  if (!selectors.every((selector) => selector.startsWith(`${SCOPE} `))) return null;
  return `${selectors.map((selector) => selector.slice(SCOPE.length + 1)).join(",")}{${body}}`;
}

/** The blocks of a style sheet: what stands before each brace, and between it and its partner. */
function* blocks(css) {
  let start = 0;
  let open = -1;
  let depth = 0;
  for (const { 0: token, index } of css.matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{}]/g)) {
    if (token === "{" && depth++ === 0) open = index;
    if (token !== "}" || --depth > 0) continue;
    yield [css.slice(start, open).trim(), css.slice(open + 1, index)];
    start = index + 1;
  }
}

/** The selectors of a list. */
function split(list) {
  const selectors = [""];
  let depth = 0;
  for (const character of list) {
    if ("([".includes(character)) depth++;
    if (")]".includes(character)) depth--;
    if (character === "," && depth === 0) selectors.push("");
    else selectors[selectors.length - 1] += character;
  }
  return selectors;
}
