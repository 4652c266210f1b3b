// Phase show-join: what to do next, in kubeadm's words and order, on stdout.
import { caPins } from '../../certs/pin.ts';
import { quote } from '../../host/shell.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { storedTokens } from './bootstrap-token.ts';
import type { InitContext, Operator } from '../context.ts';
import { readExisting } from './existing.ts';

export const showJoin: Phase<InitContext> = {
  name: 'show-join',
  aliases: ['show-join-command'],
  summary: 'Show how to use the cluster and the join command',
  needs: ['bootstrap-token', 'upload-certs'],
  run: show,
};

async function show(ctx: InitContext): Promise<PhaseOutcome> {
  const existing = await readExisting(ctx);
  // A run that left the kubelet alone made nothing that is shown here.
  const outcome = ctx.isKubeletUnchanged === true ? 'unchanged' : 'done';
  const text = existing.get(ctx.settings.kubeconfig) ?? (await ctx.host.read(ctx.settings.kubeconfig));
  // Nobody can join what a dry run has made.
  if (text === undefined || ctx.spec.isDryRun) return outcome;
  const { server, ca } = clientOf(text, ctx.settings.kubeconfig);
  for (const token of ctx.tokens.length > 0 ? ctx.tokens : await storedTokens(ctx)) {
    ctx.print(
      instructions({
        endpoint: server.replace(/^https:\/\//, ''),
        token: ctx.settings.skipTokenPrint ? '<value withheld>' : token,
        pins: caPins(ca),
        hasControlPlaneEndpoint: ctx.spec.cluster.controlPlaneEndpoint !== undefined,
        uploadCerts: ctx.settings.uploadCerts,
        ...(ctx.certificateKey === undefined
          ? {}
          : { certificateKey: ctx.settings.skipCertificateKeyPrint ? '<value withheld>' : ctx.certificateKey }),
        hasNetwork: ctx.settings.cni !== undefined,
        ...(ctx.operator === undefined ? {} : { operator: ctx.operator }),
      }),
    );
  }
  return outcome;
}

export interface JoinInstructions {
  readonly endpoint: string;
  readonly token: string;
  /** sha256:… of each CA certificate. */
  readonly pins: readonly string[];
  readonly hasControlPlaneEndpoint: boolean;
  readonly uploadCerts: boolean;
  readonly certificateKey?: string;
  readonly hasNetwork: boolean;
  /** Who reads this, where that is not on the host. */
  readonly operator?: Operator;
}

type JoinCommand = Pick<JoinInstructions, 'endpoint' | 'token' | 'pins' | 'certificateKey' | 'operator'>;

/** The arguments of a join, laid out as kubeadm lays them out (spec 06 §1.2), so that scripts that cut it out work. */
export function joinArguments(join: Omit<JoinCommand, 'operator'>, isControlPlane: boolean): string {
  const pins = join.pins.map((pin) => `--discovery-token-ca-cert-hash ${pin} `).join('');
  const worker = `join ${join.endpoint} --token ${join.token} \\\n\t${pins}`;
  if (!isControlPlane) return worker;
  const key = join.certificateKey === undefined ? '' : `--certificate-key ${join.certificateKey}`;
  return `${worker}\\\n\t--control-plane ${key}`;
}

/** The join for a host that the operator reaches; NODE stands for it. */
function joinFromHere(join: JoinCommand, operator: Operator, isControlPlane: boolean): string {
  const hasKeys = !isControlPlane || join.certificateKey !== undefined;
  const { endpoint } = join;
  const command = joinArguments({ ...join, endpoint: `${endpoint} ${operator.over('NODE')}` }, isControlPlane);
  return `kbinit ${command}${hasKeys ? '' : `--copy-certs-from ${quote(operator.host)}`}`;
}

/** The command that joins, in one line; read on another machine, also the one for the node itself. */
export function joinCommand({ operator, ...join }: JoinCommand): string {
  const isControlPlane = join.certificateKey !== undefined;
  const inOneLine = (text: string): string => text.replaceAll(/\\\n|\t/g, '');
  const there = joinArguments(join, isControlPlane);
  if (operator === undefined) return inOneLine(`kbinit ${there}`);
  return `${inOneLine(joinFromHere(join, operator, isControlPlane))}\n${inOneLine(`kubeadm ${there}`)}`;
}

/** How to use the cluster where kbinit runs. */
export function kubeconfigHint(operator: Operator): string {
  return `To start using your cluster from this machine, run:

  ${operator.command('kbinit kubeconfig get')} -o ~/.kube/config
`;
}

/** Everything init says at its end. */
export function instructions(join: JoinInstructions): string {
  const { operator } = join;
  const addFlannel = operator?.command('kbinit addon apply flannel') ?? 'kbinit addon apply flannel';
  const parts = [
    `
Your Kubernetes control-plane has initialized successfully!

`,
    operator === undefined ? useHere : kubeconfigHint(operator),
    join.hasNetwork
      ? ''
      : `
You should now deploy a pod network to the cluster.
Run "kubectl apply -f [podnetwork].yaml" with one of the options listed at:
  https://kubernetes.io/docs/concepts/cluster-administration/addons/
or "${addFlannel}".
`,
    join.hasControlPlaneEndpoint ? controlPlaneInstructions(join) : '',
    operator === undefined
      ? `
Then you can join any number of worker nodes by running the following on each as root
("kubeadm join" with the same arguments works as well):

kbinit ${joinArguments(join, false)}
`
      : `
Then you can join any number of worker nodes by running the following here, with the address of each for NODE:

${joinFromHere(join, operator, false)}

or, on the node itself, as root:

kubeadm ${joinArguments(join, false)}
`,
  ];
  return parts.join('');
}

const useHere = `To start using your cluster, you need to run the following as a regular user:

  mkdir -p $HOME/.kube
  sudo cp -i ${paths.adminConf} $HOME/.kube/config
  sudo chown $(id -u):$(id -g) $HOME/.kube/config

Alternatively, if you are the root user, you can run:

  export KUBECONFIG=${paths.adminConf}
`;

function controlPlaneInstructions(join: JoinInstructions): string {
  if (join.operator !== undefined) return controlPlanesFromHere(join, join.operator);
  if (!join.uploadCerts) {
    return `
You can now join any number of control-plane nodes by copying certificate authorities
and service account keys on each node and then running the following as root:

  kbinit ${joinArguments(join, true)}
`;
  }
  return `
You can now join any number of control-plane nodes running the following command on each as root:

  kbinit ${joinArguments({ ...join, certificateKey: join.certificateKey ?? '<value not stored>' }, true)}

Please note that the certificate-key gives access to cluster sensitive data, keep it secret!
As a safeguard, uploaded-certs will be deleted in two hours; If necessary, you can use
"kbinit init phase upload-certs --upload-certs" to reload certs afterward.
`;
}

function controlPlanesFromHere(join: JoinInstructions, operator: Operator): string {
  const { certificateKey, ...withoutKey } = join;
  if (!join.uploadCerts) {
    return `
You can now join any number of control-plane nodes by running the following here, with the address of each for NODE;
the keys that control planes share are copied over SSH:

  ${joinFromHere(withoutKey, operator, true)}
`;
  }
  const wanted = { ...join, certificateKey: certificateKey ?? '<value not stored>' };
  return `
You can now join any number of control-plane nodes by running the following here, with the address of each for NODE:

  ${joinFromHere(wanted, operator, true)}

or, on the node itself, as root:

  kubeadm ${joinArguments(wanted, true)}

Please note that the certificate-key gives access to cluster sensitive data, keep it secret!
As a safeguard, uploaded-certs will be deleted in two hours; If necessary, you can use
"${operator.command('kbinit init phase upload-certs --upload-certs')}" to reload certs afterward.
`;
}
