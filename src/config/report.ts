// Collects what is wrong and what is worth a warning while a configuration is read, so that everything is said at once.
import { KbError, type Problem } from '../errors.ts';
import { formatPath, type YamlPath } from '../util/yaml.ts';
import type { ConfigWarning } from './draft.ts';

/** One KB_CONFIG problem. The detail says where and what; it must not repeat a secret. */
export function configProblem(detail: string, fix: string): Problem {
  return { code: 'KB_CONFIG', summary: 'invalid configuration', detail, fix };
}

/** Where something is in a file. */
export interface Place {
  readonly line: number;
  readonly path: YamlPath;
}

/** Problems and warnings of one configuration. */
export class Report {
  readonly problems: Problem[] = [];
  readonly warnings: ConfigWarning[] = [];
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  /** Something wrong in the file. */
  refuse(place: Place, message: string, fix: string): void {
    const path = place.path.length === 0 ? '' : `${formatPath(place.path)}: `;
    this.problems.push(configProblem(`${this.#source} line ${place.line}: ${path}${message}`, fix));
  }

  /** Something wrong that has no place in a file: the file as a whole, or a flag. */
  refuseAll(detail: string, fix: string): void {
    this.problems.push(configProblem(detail, fix));
  }

  /** Something to know about the file. */
  warn(place: Place, message: string, isStrict: boolean, fix?: string): void {
    const path = formatPath(place.path);
    const where = { source: this.#source, line: place.line, ...(path !== '' && { path }) };
    this.warnings.push({ message, ...where, isStrict, ...(fix !== undefined && { fix }) });
  }

  /** What `config validate` and `config migrate` refuse is a warning no more. */
  refuseStrictWarnings(): void {
    for (const warning of this.warnings.filter(({ isStrict }) => isStrict)) {
      // As a warning it also says what happens to the field: that is not what happens here.
      const message = warning.message.replace(/, ignored|; the last one counts/, '');
      this.problems.push(
        configProblem(formatWarning({ ...warning, message }), warning.fix ?? 'correct it, or remove it'),
      );
    }
    this.warnings.splice(0, this.warnings.length, ...this.warnings.filter(({ isStrict }) => !isStrict));
  }

  /** An API version that is still read. */
  deprecate({ line, path }: Place, message: string): void {
    this.warnings.push({
      message,
      source: this.#source,
      line,
      path: formatPath(path),
      isStrict: false,
      isDeprecation: true,
    });
  }

  /** Something to know about the flags. */
  warnAll(message: string): void {
    this.warnings.push({ message, isStrict: false });
  }

  /** @throws KbError with every problem, when there is one */
  check(): void {
    if (this.problems.length > 0) throw new KbError(this.problems);
  }
}

/** `kubeadm.yaml line 3: networking.foo: unknown field, ignored` */
export function formatWarning(warning: ConfigWarning): string {
  const line = warning.line === undefined ? '' : ` line ${warning.line}`;
  const where = warning.source === undefined ? '' : `${warning.source}${line}: `;
  return `${where}${warning.path === undefined ? '' : `${warning.path}: `}${warning.message}`;
}
