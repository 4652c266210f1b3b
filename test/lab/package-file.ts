/** Owns what a file of a package is, whatever the package's format: a file of a step, or a text. */
import type { Step } from './cache.ts';

/** A file of a package. */
export interface PackageFile {
  readonly path: string;
  readonly mode: number;
  /** Whether a change on the host outlives an update, as with %config(noreplace) and with conffiles. */
  readonly isConfig?: true;
  readonly content: { readonly step: Step; readonly file: string } | { readonly text: string };
}

/** The steps that files come from, each once. */
export function stepsOfFiles(files: readonly PackageFile[]): Step[] {
  return [...new Set(files.flatMap(({ content }) => ('step' in content ? [content.step] : [])))];
}

/** Packages as text that changes when they do; a step they come from is known by its name, its content by `needs`. */
export function packagesText(contents: readonly object[]): string {
  return JSON.stringify(contents, (name, value: unknown) =>
    name === 'step' && typeof value === 'object' && value !== null && 'name' in value ? value.name : value,
  );
}
