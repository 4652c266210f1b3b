// Phase kubelet-finalize: let the kubelet use the client certificate that it rotates itself.
import type { NodeRegistration } from '../../config/spec.ts';
import { rotatedKubeletKubeconfig } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import { sh } from '../../host/shell.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, type InitContext } from '../context.ts';
import { restartKubelet } from './kubelet-start.ts';

const flags = ['config', 'cert-dir', 'dry-run'];

export const kubeletFinalize: Phase<InitContext> = {
  name: 'kubelet-finalize',
  summary: 'Update the kubelet to use its rotated client certificate',
  flags,
  phases: [
    { name: 'enable-client-cert-rotation', summary: 'Use the rotated client certificate in kubelet.conf', flags },
  ],
  run: finalize,
};

async function finalize(ctx: InitContext): Promise<PhaseOutcome> {
  const pem = clientCertificatePath(ctx.spec.node);
  const [{ code }, text] = await Promise.all([ctx.host.probe(sh`test -e ${pem}`), ctx.host.read(paths.kubeletConf)]);
  if (code !== 0 || text === undefined) {
    step(ctx, 'kubelet-finalize', `${pem} does not exist: client certificate rotation stays as it is`);
    return 'unchanged';
  }
  const [change] = await ctx.host.write([
    { path: paths.kubeletConf, mode: 0o600, body: rotatedKubeletKubeconfig(text, pem), secret: true },
  ]);
  if (change?.outcome === 'unchanged') return 'unchanged';
  await restartKubelet(ctx, 'kubelet-finalize');
  return 'done';
}

/** The certificate that the kubelet rotates; its own flag can move its folder of certificates. */
export function clientCertificatePath({ kubeletExtraArgs }: Pick<NodeRegistration, 'kubeletExtraArgs'>): string {
  const folder = kubeletExtraArgs.find(({ name }) => name === 'cert-dir')?.value;
  return folder === undefined ? paths.kubeletClientCurrent : `${folder}/kubelet-client-current.pem`;
}
