/** A list with one chosen item. */
export function Choice<T extends string | number>(props: {
  name: string;
  value: T;
  /** Each with its words. */
  of: readonly (readonly [T, string])[];
  pick: (value: T) => void;
  kind?: "input" | "speed";
}) {
  const { name, value, of, pick, kind } = props;
  return (
    <select
      class={`rc-${kind ?? "speed"}`}
      aria-label={name}
      value={String(value)}
      onChange={(event) => pick((of[event.currentTarget.selectedIndex] as readonly [T, string])[0])}
    >
      {of.map(([each, words]) => (
        <option key={each} value={each}>
          {words}
        </option>
      ))}
    </select>
  );
}
