// Reads dryrun.txt: what `kubeadm init --dry-run` said it would do to the API server.
import type { KubeObject } from '../../../src/manifests/object.ts';
import { readYaml } from '../../../src/util/yaml.ts';

/** One request that kubeadm would have sent. */
interface DryRunAction {
  readonly verb: string;
  readonly resource: string;
  /** The object beside the request, when one is printed. */
  readonly object: KubeObject | undefined;
}

const actionLine = /^\[dryrun\] Would perform action (\w+) on resource "([^"]+)" in API group "[^"]+"$/;

/** Every request, in order. */
function readDryRun(text: string): readonly DryRunAction[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const [, verb, resource] = actionLine.exec(line) ?? [];
    if (verb === undefined || resource === undefined) return [];
    return [{ verb, resource, object: attachedObject(lines, index + 1) }];
  });
}

/** The objects that kubeadm would have created. */
export function createdObjects(text: string): readonly KubeObject[] {
  return readDryRun(text).flatMap(({ verb, object }) => (verb === 'CREATE' && object !== undefined ? [object] : []));
}

/** Up to 1.31 an object is indented by a tab; since then an empty line ends it. */
function attachedObject(lines: readonly string[], start: number): KubeObject | undefined {
  let index = start;
  while (/^\[dryrun\] (Resource name|Real object)/.test(lines[index] ?? '')) index++;
  if (lines[index] !== '[dryrun] Attached object:') return undefined;
  const isIndented = lines[index + 1]?.startsWith('\t') === true;
  const rest = lines.slice(index + 1);
  const end = rest.findIndex((line) => (isIndented ? !line.startsWith('\t') : line === ''));
  const yaml = rest.slice(0, end).map((line) => (isIndented ? line.slice(1) : line));
  const object = readYaml(yaml.join('\n'));
  if (!isKubeObject(object)) throw new Error(`line ${index + 2} begins no API object`);
  return object;
}

function isKubeObject(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'kind' in value && 'apiVersion' in value && 'metadata' in value;
}

/** The patches that kubeadm would have sent; printed as JSON up to 1.31. */
export function attachedPatches(text: string): readonly unknown[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) =>
    line === '[dryrun] Attached patch:' ? [JSON.parse((lines[index + 1] ?? '').trim())] : [],
  );
}
