// Collects what validation finds, by field path; secrets are named, never shown.
import type { Problem } from '../errors.ts';
import type { ConfigWarning } from './draft.ts';
import { quoted } from '../util/invisible.ts';
import { configProblem } from './report.ts';

/** What validation has found so far. */
export class Problems {
  readonly list: Problem[] = [];
  readonly warnings: ConfigWarning[] = [];

  /** A bad value. Never for tokens and keys. */
  add(path: string, value: string | number, message: string, fix: string): void {
    this.list.push(configProblem(`${path}: ${quoted(value)} ${message}`, fix));
  }

  /** Something wrong whose value is a secret, is missing, or is more than one value. */
  say(path: string, message: string, fix: string): void {
    this.list.push(configProblem(`${path}: ${message}`, fix));
  }

  warn(path: string, message: string): void {
    this.warnings.push({ path, message, isStrict: false });
  }
}
