// Phase show-join: what to do next, in kubeadm's words and order, on stdout.
import { caPins } from '../certs/pin.ts';
import { clientOf } from '../kubeconfig/kubeconfig.ts';
import { paths } from '../kube/paths.ts';
import type { Phase, PhaseOutcome } from '../workflow/phase.ts';
import { storedTokens } from './bootstrap-token.ts';
import type { InitContext } from './context.ts';
import { readExisting } from './existing.ts';
import { journalArtifact, journalFolder, journalPath, parseJournal, specIdentity } from './journal.ts';

export const showJoin: Phase<InitContext> = {
  name: 'show-join',
  aliases: ['show-join-command'],
  summary: 'Show how to use the cluster and how nodes join',
  needs: ['bootstrap-token', 'upload-certs'],
  run: show,
};

async function show(ctx: InitContext): Promise<PhaseOutcome> {
  const outcome = await finishJournal(ctx);
  const existing = await readExisting(ctx);
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
      }),
    );
  }
  return outcome;
}

/** The journal's last word; a second run finds it finished and leaves it alone. */
async function finishJournal(ctx: InitContext): Promise<PhaseOutcome> {
  const journal = parseJournal((await readExisting(ctx)).get(journalPath));
  if (journal?.finishedAt !== undefined) return 'unchanged';
  const finishedAt = ctx.clock.now().toISOString();
  const startedAt = ctx.startedAt.toISOString();
  await ctx.host.write(
    [journalArtifact({ format: 1, spec: specIdentity(ctx), startedAt, makes: [], ...journal, finishedAt })],
    [{ path: journalFolder, mode: 0o700 }],
  );
  return 'done';
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
}

/** The arguments of a join, laid out as kubeadm lays them out (spec 06 §1.2), so that scripts that cut it out work. */
export function joinArguments(
  join: Pick<JoinInstructions, 'endpoint' | 'token' | 'pins' | 'certificateKey'>,
  isControlPlane: boolean,
): string {
  const pins = join.pins.map((pin) => `--discovery-token-ca-cert-hash ${pin} `).join('');
  const worker = `join ${join.endpoint} --token ${join.token} \\\n\t${pins}`;
  if (!isControlPlane) return worker;
  const key = join.certificateKey === undefined ? '' : `--certificate-key ${join.certificateKey}`;
  return `${worker}\\\n\t--control-plane ${key}`;
}

/** Everything init says at its end. */
export function instructions(join: JoinInstructions): string {
  const parts = [
    `
Your Kubernetes control-plane has initialized successfully!

To start using your cluster, you need to run the following as a regular user:

  mkdir -p $HOME/.kube
  sudo cp -i ${paths.adminConf} $HOME/.kube/config
  sudo chown $(id -u):$(id -g) $HOME/.kube/config

Alternatively, if you are the root user, you can run:

  export KUBECONFIG=${paths.adminConf}
`,
    join.hasNetwork
      ? ''
      : `
You should now deploy a pod network to the cluster.
Run "kubectl apply -f [podnetwork].yaml" with one of the options listed at:
  https://kubernetes.io/docs/concepts/cluster-administration/addons/
or "kbinit addon apply flannel".
`,
    join.hasControlPlaneEndpoint ? controlPlaneInstructions(join) : '',
    `
Then you can join any number of worker nodes by running the following on each as root
("kubeadm join" with the same arguments works as well):

kbinit ${joinArguments(join, false)}
`,
  ];
  return parts.join('');
}

function controlPlaneInstructions(join: JoinInstructions): string {
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
