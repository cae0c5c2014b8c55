interface SelectProps {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  /** Value and words. */
  readonly options: readonly (readonly [string, string])[];
  readonly problem?: string | undefined;
}

export const Select = ({ name, label, value, options, problem }: SelectProps) => (
  <label class="field">
    <span>{label}</span>
    <select name={name} {...invalid(name, problem)}>
      {options.map(([option, words]) => (
        <option key={option} value={option} selected={option === (value ?? '')}>
          {words}
        </option>
      ))}
    </select>
    <Problem name={name} words={problem} />
  </label>
);

interface TextProps {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  /** A date and time. */
  readonly isTime?: boolean;
  readonly problem?: string | undefined;
}

/** A field of a filter, with its error beside it. */
export const TextField = ({ name, label, value, problem, isTime = false }: TextProps) => (
  <label class="field">
    <span>{label}</span>
    <input
      {...(isTime ? { type: 'datetime-local' as const } : { type: 'text' as const })}
      name={name}
      value={isTime && problem !== undefined ? '' : (value ?? '')}
      autocomplete="off"
      spellcheck={false}
      {...invalid(name, problem)}
    />
    <Problem name={name} words={problem} />
  </label>
);

const Problem = ({ name, words }: { readonly name: string; readonly words: string | undefined }) =>
  words === undefined ? null : (
    <span class="problem" id={`${name}-problem`}>
      {words}
    </span>
  );

function invalid(name: string, problem: string | undefined) {
  return problem === undefined
    ? {}
    : { 'aria-invalid': 'true' as const, 'aria-describedby': `${name}-problem` };
}
