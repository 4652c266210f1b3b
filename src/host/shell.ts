// The only maker of commands: `sh` quotes every value, so nothing that a user typed is ever executed.

/** POSIX sh text in which every interpolated value is one quoted word. Only `sh` and `script` make one. */
export class Shell {
  readonly text: string;
  /** Not for use outside this file: a command built from a string is how values get executed. */
  private constructor(text: string) {
    this.text = text;
  }
  /** @internal */
  static of(text: string): Shell {
    return new Shell(text);
  }
}

/** One word of POSIX sh that stands for exactly this text. @throws TypeError on a NUL byte, which no argument can hold */
export function quote(value: string): string {
  if (value.includes('\0')) throw new TypeError('a shell word cannot hold a NUL byte');
  // Not first: zsh takes a word that begins with = for the path of a command.
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * Build a command: every `${value}` becomes one quoted word, an array several words. A value made by `sh` itself is
 * put in as it is, so that commands can be composed.
 */
export function sh(
  text: TemplateStringsArray,
  ...values: readonly (string | number | Shell | readonly string[])[]
): Shell {
  const words = values.map((value) => {
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string') return quote(value);
    return value instanceof Shell ? value.text : value.map(quote).join(' ');
  });
  return Shell.of(text.map((part, index) => part + (words[index] ?? '')).join(''));
}

/** A longer script, taken to the letter (backslashes too). It has no values: those are its arguments or its stdin. */
export function script(text: TemplateStringsArray): Shell {
  return Shell.of(text.raw[0] ?? '');
}
