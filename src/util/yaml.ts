// The one YAML reader and writer. Reads YAML 1.2; writes what Go's YAML 1.1 reader understands the same way.
import { CORE_SCHEMA, dump, load, loadAll } from 'js-yaml';

/** One document. @throws YAMLException with line and column */
export function readYaml(text: string): unknown {
  return load(text, { schema: CORE_SCHEMA });
}

/** All documents of a file; an empty one is null. */
export function readYamlAll(text: string): readonly unknown[] {
  return loadAll(text, { schema: CORE_SCHEMA });
}

/** Block style, keys sorted, no line folding: the look of kubeadm's own files. */
export function writeYaml(value: unknown): string {
  return dump(value, { seqNoIndent: true, quoteStyle: 'double', lineWidth: -1, noRefs: true, sortKeys: true });
}
