// The user's patches (`--patches`): which file patches what, in which order, and the patched object (spec 02 §9).
import { KbError } from '../errors.ts';
import { readYamlAll } from '../util/yaml.ts';
import { applyJsonPatch } from './json-patch.ts';
import { isJsonObject, type JsonObject } from '../util/json.ts';
import { applyMergePatch } from '../util/merge-patch.ts';
import { applyStrategicMerge, type MergeSchema, mergeSchemas } from './strategic-merge.ts';

/** What can be patched; the order decides which name a file's prefix is read as. */
const patchTargets = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubeletconfiguration',
  'corednsdeployment',
] as const;
/** The name of something that can be patched. */
export type PatchTarget = (typeof patchTargets)[number];

/** How a patch file is read: RFC 6902, RFC 7386, or Kubernetes' own. */
type PatchType = 'json' | 'merge' | 'strategic';

/** A file of the patches folder. */
export interface PatchFile {
  /** Relative to the folder; only the base name decides what it patches. */
  readonly path: string;
  readonly text: string;
}

/** One document of a patch file. */
export interface Patch {
  readonly target: PatchTarget;
  readonly type: PatchType;
  readonly path: string;
  readonly content: unknown;
}

/** What was read of a folder. */
export interface PatchSet {
  /** In the order in which they apply. */
  readonly patches: readonly Patch[];
  /** Files that are no patches, each with the reason. */
  readonly ignored: readonly { readonly path: string; readonly reason: string }[];
}

/** Read the files of a patches folder. @throws KbError KB_PATCH_NAME, KB_PATCH_READ, all problems at once */
export function readPatches(files: readonly PatchFile[]): PatchSet {
  const results = files.toSorted((a, b) => comparePaths(a.path, b.path)).map(readPatchFile);
  const problems = results.flatMap((result) => ('code' in result ? [result] : []));
  if (problems.length > 0) throw new KbError(problems);
  return {
    patches: results.flatMap((result) => ('patches' in result ? result.patches : [])),
    ignored: results.flatMap((result) => ('ignored' in result ? result.ignored : [])),
  };
}

/** A JSON object with the patches of its target applied, in order. @throws KbError KB_PATCH_APPLY */
export function applyPatches(target: PatchTarget, object: JsonObject, patches: readonly Patch[]): JsonObject {
  return patches.filter((patch) => patch.target === target).reduce(applyPatch, object);
}

const schemas: Readonly<Record<PatchTarget, MergeSchema>> = {
  etcd: mergeSchemas.Pod,
  'kube-apiserver': mergeSchemas.Pod,
  'kube-controller-manager': mergeSchemas.Pod,
  'kube-scheduler': mergeSchemas.Pod,
  kubeletconfiguration: mergeSchemas.KubeletConfiguration,
  corednsdeployment: mergeSchemas.Deployment,
};

function applyPatch(object: JsonObject, patch: Patch): JsonObject {
  try {
    const result = patched(object, patch);
    if (!isJsonObject(result)) throw new Error('the result is not an object');
    return result;
  } catch (cause) {
    throw new KbError(
      {
        code: 'KB_PATCH_APPLY',
        summary: `a patch does not fit ${patch.target}`,
        detail: `${patch.path} (${patch.type}): ${messageOf(cause)}`,
        fix: `compare the patch with the object it changes; \`kbinit init --dry-run\` without patches shows it`,
      },
      { cause },
    );
  }
}

function patched(object: JsonObject, patch: Patch): unknown {
  if (patch.type === 'json') return applyJsonPatch(object, patch.content);
  if (patch.type === 'merge') return applyMergePatch(object, patch.content);
  return applyStrategicMerge(object, patch.content, schemas[patch.target]);
}

type FileResult =
  | { readonly patches: readonly Patch[] }
  | { readonly ignored: PatchSet['ignored'] }
  | {
      readonly code: 'KB_PATCH_NAME' | 'KB_PATCH_READ';
      readonly summary: string;
      readonly detail: string;
      readonly fix: string;
    };

function readPatchFile(file: PatchFile): FileResult {
  const name = parseName(file.path.slice(file.path.lastIndexOf('/') + 1));
  if ('reason' in name) return { ignored: [{ path: file.path, reason: name.reason }] };
  if (file.text === '') return { ignored: [{ path: file.path, reason: 'the file is empty' }] };
  const { target, type } = name;
  if (type === undefined) {
    return {
      code: 'KB_PATCH_NAME',
      summary: 'a patch file names no known patch type',
      detail: `${file.path}: after the + comes none of json, merge, strategic`,
      fix: `rename it, for example to ${target}+strategic.yaml`,
    };
  }
  try {
    const documents = readYamlAll(file.text).filter((content) => content !== null && content !== undefined);
    return { patches: documents.map((content) => ({ target, type, path: file.path, content })) };
  } catch (cause) {
    return {
      code: 'KB_PATCH_READ',
      summary: 'a patch file is not YAML',
      detail: `${file.path}: ${messageOf(cause)}`,
      fix: 'correct the file, or remove it from the patches folder',
    };
  }
}

type PatchName = { readonly target: PatchTarget; readonly type: PatchType | undefined } | { readonly reason: string };

/** `target[suffix][+type].extension`, as kubeadm's regular expression reads it. */
function parseName(name: string): PatchName {
  if (!/.\.(json|yaml)$/.test(name)) return { reason: 'the extension is neither json nor yaml' };
  const target = patchTargets.find((candidate) => name.startsWith(candidate));
  if (target === undefined) return { reason: `the name begins with none of ${patchTargets.join(', ')}` };
  const match = /^[^.+\n]*(\+)?(json|merge|strategic)?/.exec(name.slice(target.length));
  if (match?.[1] === undefined) return { target, type: 'strategic' };
  return { target, type: isPatchType(match[2]) ? match[2] : undefined };
}

function isPatchType(text: string | undefined): text is PatchType {
  return text === 'json' || text === 'merge' || text === 'strategic';
}

/** The order of a walk that visits each folder's entries by name. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  const index = left.findIndex((part, i) => part !== right[i]);
  if (index === -1) return left.length - right.length;
  const [x = '', y = ''] = [left[index], right[index]];
  return x < y ? -1 : 1;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
