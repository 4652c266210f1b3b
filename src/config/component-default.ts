// The rule both component defaulters share: a missing value gets kubeadm's, a different one is kept with a warning.
import type { ComponentDocument, ConfigWarning } from './draft.ts';
import { isMapping } from './finding.ts';

/** A document being defaulted, and what there is to say about it. */
export class Defaulter {
  readonly warnings: ConfigWarning[] = [];
  readonly #kind: string;
  #value: ComponentDocument;

  constructor(kind: string, value: ComponentDocument) {
    this.#kind = kind;
    this.#value = value;
  }

  get value(): ComponentDocument {
    return this.#value;
  }

  /** Set a field that is missing or ''; warn when it is there with another value. */
  set(path: string, wanted: unknown): void {
    const found = this.#at(path);
    if (found === undefined || found === '') this.force(path, wanted);
    else if (JSON.stringify(found) !== JSON.stringify(wanted)) this.#warn(path, found, wanted);
  }

  /** Warn when a field is there with another value. */
  expect(path: string, wanted: unknown): void {
    const found = this.#at(path);
    if (found !== undefined && found !== wanted) this.#warn(path, found, wanted);
  }

  /** Set a field whatever it was. */
  force(path: string, wanted: unknown): void {
    this.#value = withField(this.#value, path.split('.'), wanted);
  }

  /** Set a field only when it is missing or ''. */
  fill(path: string, wanted: unknown): void {
    const found = this.#at(path);
    if (found === undefined || found === '') this.force(path, wanted);
  }

  /** Say something about a field. */
  warn(path: string, message: string): void {
    this.warnings.push({ message, path: `${this.#kind}.${path}`, isStrict: false });
  }

  #warn(path: string, found: unknown, wanted: unknown): void {
    this.warn(path, `the recommended value is ${JSON.stringify(wanted)}, the given one is ${JSON.stringify(found)}`);
  }

  #at(path: string): unknown {
    return path.split('.').reduce<unknown>((value, name) => (isMapping(value) ? value[name] : undefined), this.#value);
  }
}

function withField(
  value: ComponentDocument,
  [name = '', ...rest]: readonly string[],
  wanted: unknown,
): ComponentDocument {
  if (rest.length === 0) return { ...value, [name]: wanted };
  const child = value[name];
  return { ...value, [name]: withField(isMapping(child) ? child : {}, rest, wanted) };
}
