// The few colours of the output, and whether to use them.

/** What a stream must be able to do to be written to. */
export interface Output {
  write(text: string): unknown;
}

/** A terminal tells its size. */
export interface Terminal extends Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

const codes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
type Style = keyof typeof codes;
/** Puts text in a style, or leaves it alone. */
export type Paint = (style: Style, text: string) => string;

export function painter(color: boolean): Paint {
  return (style, text) => (color && text !== '' ? `\u001B[${codes[style]}m${text}\u001B[0m` : text);
}

/** FORCE_COLOR and NO_COLOR decide, then whether it is a terminal (no-color.org, force-color.org). */
export function wantsColor(stream: Terminal, environment: Readonly<Record<string, string | undefined>>): boolean {
  const force = environment['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if ((environment['NO_COLOR'] ?? '') !== '') return false;
  return stream.isTTY === true && environment['TERM'] !== 'dumb';
}

/** `0.8s`, `12.3s`, `4m 05s` */
export function seconds(value: number): string {
  if (value < 59.95) return `${value.toFixed(1)}s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`;
}
