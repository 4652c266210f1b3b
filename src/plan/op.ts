// What a run would do, as data: one value an operation. The lines of a dry run, its JSON and its digest are views of it.

/** Hexadecimal sha256 of a content in which what differs from run to run has been masked (body.ts). */
type Sha256 = string;

/** What a file or an object will hold, as far as a plan may say it. */
export type Body =
  | { readonly sha256: Sha256 }
  | { readonly secret: true }
  /** Made anew in every run: what a person reviews of it is its recipe. */
  | { readonly made: 'certificate'; readonly recipe: CertificateRecipe }
  | { readonly made: 'key' }
  /** kbinit's own note of the run, which is of no other run. */
  | { readonly made: 'journal' };

export interface CertificateRecipe {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly usages: readonly string[];
  readonly isAuthority: boolean;
  readonly days: number;
}

/** An object of the API server. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export type Op =
  | { readonly op: 'folder'; readonly path: string; readonly mode: number }
  | {
      readonly op: 'file';
      readonly path: string;
      readonly mode: number;
      readonly was: 'absent' | Body;
      readonly is: Body;
    }
  | { readonly op: 'delete'; readonly path: string; readonly why: string }
  | {
      readonly op: 'upload';
      readonly path: string;
      readonly mode: number;
      readonly size: number;
      readonly sha256: Sha256;
      readonly was: 'absent' | 'other';
    }
  | { readonly op: 'run'; readonly why: string; readonly command: string }
  | { readonly op: 'image'; readonly name: string }
  | {
      readonly op: 'object';
      readonly verb: 'create' | 'update' | 'patch' | 'remove' | 'evict';
      readonly object: ObjectName;
      readonly is?: Body;
    }
  | { readonly op: 'etcd'; readonly verb: 'add-learner' | 'promote' | 'remove'; readonly member: string }
  /** A private file on the machine that runs kbinit. */
  | { readonly op: 'local-file'; readonly path: string; readonly is: Body }
  | {
      readonly op: 'host-key';
      readonly type: string;
      readonly fingerprint: string;
      readonly target: string;
      readonly file: string;
    };

/** How a plan counts an operation. */
export type Action = 'create' | 'change' | 'delete' | 'run';

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

/** `Secret kube-system/kubeadm-certs` */
function objectText({ kind, namespace, name }: ObjectName): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** An operation in words: the line of the plan, without what it will write. */
export function opText(op: Op): string {
  switch (op.op) {
    case 'folder':
      return `make the folder ${op.path} (${octal(op.mode)})`;
    case 'file':
      return `${op.was === 'absent' ? 'create' : 'change'} ${op.path} (${octal(op.mode)}${'secret' in op.is ? ', secret' : ''})`;
    case 'delete':
      return `${op.why}: ${op.path.endsWith('/') ? 'empty' : 'remove'} ${op.path}`;
    case 'upload':
      return `upload ${op.path} (${octal(op.mode)}, ${op.size} bytes, sha256 ${op.sha256.slice(0, 12)}…)`;
    case 'run':
      // A script goes below its purpose, as a file's content does.
      return op.command.includes('\n') ? op.why : `${op.why}: ${op.command}`;
    case 'image':
      return `pull image ${op.name} where it is missing`;
    case 'object':
      return `${objectVerbs[op.verb]} ${objectText(op.object)}`;
    case 'etcd':
      return etcdText(op.verb, op.member);
    case 'local-file':
      return `write ${op.path} on this machine (0600)`;
    case 'host-key':
      return `add the ${op.type} key ${op.fingerprint} of ${op.target} to ${op.file}`;
    default:
      return op satisfies never;
  }
}

const objectVerbs = { create: 'create', update: 'update', patch: 'change', remove: 'remove', evict: 'evict' } as const;

function etcdText(verb: 'add-learner' | 'promote' | 'remove', member: string): string {
  if (verb === 'add-learner') return `add ${member} to the etcd cluster as a learner`;
  return verb === 'promote' ? `let etcd member ${member} vote` : `remove etcd member ${member} from its cluster`;
}

/** What an operation counts as. */
export function opAction(op: Op): Action {
  switch (op.op) {
    case 'folder':
    case 'image':
    case 'local-file':
    case 'host-key':
      return 'create';
    case 'file':
    case 'upload':
      return op.was === 'absent' ? 'create' : 'change';
    case 'delete':
      return 'delete';
    case 'run':
      return 'run';
    case 'object':
      return ({ create: 'create', update: 'change', patch: 'change', remove: 'delete', evict: 'delete' } as const)[
        op.verb
      ];
    case 'etcd':
      return ({ 'add-learner': 'create', promote: 'change', remove: 'delete' } as const)[op.verb];
    default:
      return op satisfies never;
  }
}
