// The peer: real kubeadm, run on a lab host itself.
import type { Lab } from '../lab/lab.ts';
import { timed } from './measure.ts';

const kubeadm = '/usr/local/lib/lab/kubeadm';

/** What `kubeadm init` took, and the arguments it printed for joining. */
export interface Made {
  readonly seconds: number;
  readonly join: string;
  /** '' without --upload-certs. */
  readonly certificateKey: string;
}

async function run(lab: Lab, host: string, words: string): Promise<string> {
  const command = `${kubeadm} ${words} --ignore-preflight-errors=SystemVerification 2>&1`;
  const { code, stdout } = await lab.exec(host, command, { timeoutSeconds: 300 });
  if (code !== 0) throw new Error(`kubeadm ${words.split(' ', 1)[0]} failed on ${host}:\n${stdout.slice(-2000)}`);
  return stdout;
}

/** `kubeadm init` with that configuration. */
export async function kubeadmInit(lab: Lab, host: string, config: string, flags = ''): Promise<Made> {
  await lab.copyTo(host, config, '/root/config.yaml');
  let output = '';
  const seconds = await timed(async () => {
    output = await run(lab, host, `init --config /root/config.yaml ${flags}`);
  });
  const match = /join (\S+ --token \S+) \\\s+(--discovery-token-ca-cert-hash \S+)/.exec(output);
  const certificateKey = /--certificate-key ([0-9a-f]{64})/.exec(output)?.[1] ?? '';
  return { seconds, join: `${match?.[1]} ${match?.[2]}`, certificateKey };
}

/** Seconds of `kubeadm join`. */
export function kubeadmJoin(lab: Lab, host: string, args: string): Promise<number> {
  return timed(() => run(lab, host, `join ${args}`));
}
