import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { instructions, joinArguments, type JoinInstructions } from '../../../src/phases/show-join.ts';

const join: JoinInstructions = {
  endpoint: '192.168.3.129:6443',
  token: 'abcdef.0123456789abcdef',
  pins: [`sha256:${'ab'.repeat(32)}`],
  hasControlPlaneEndpoint: false,
  uploadCerts: true,
  certificateKey: 'cd'.repeat(32),
  hasNetwork: false,
};

/** The end of real kubeadm's output in a golden, with its hash, its paths and its own name taken out. */
function golden(name: string): string {
  const text = readFileSync(new URL(`../../golden/v1.36.3/${name}/dryrun.txt`, import.meta.url), 'utf8');
  const end = text.slice(text.indexOf('Your Kubernetes control-plane'), text.lastIndexOf('rc=0'));
  return end.replaceAll(/sha256:[0-9a-f]{64}/g, join.pins[0] ?? '').replaceAll('/tmp/dry/', '/etc/kubernetes/');
}

/** Lines that are kbinit's own. */
const own = [/^or "kbinit addon apply flannel"\.$/, /^\("kubeadm join" with the same arguments works as well\):$/];

function asKubeadm(text: string): string {
  return text
    .split('\n')
    .filter((line) => !own.some((pattern) => pattern.test(line)))
    .join('\n')
    .replaceAll('kbinit ', 'kubeadm ')
    .replace('following on each as root\n', 'following on each as root:\n')
    .trim();
}

test("the final instructions are kubeadm's, in order and words, beside kbinit's own lines", () => {
  expect(asKubeadm(instructions(join))).toBe(golden('default').trim());
});

test('with a control-plane endpoint the command for control planes comes first', () => {
  const text = instructions({
    ...join,
    endpoint: 'k8s-vip.lab:6443',
    hasControlPlaneEndpoint: true,
    certificateKey: '8d4388a541f7b0da0206d17495a728d4ec3d07a8f9287ab9123cfcb2185c3c94',
  });
  expect(asKubeadm(text)).toBe(golden('ha-mirror').trim());
});

test('one pin a CA certificate, each followed by a space, as scripts that cut the command expect', () => {
  expect(joinArguments({ ...join, pins: ['sha256:aa', 'sha256:bb'] }, false)).toBe(
    'join 192.168.3.129:6443 --token abcdef.0123456789abcdef \\\n\t' +
      '--discovery-token-ca-cert-hash sha256:aa --discovery-token-ca-cert-hash sha256:bb ',
  );
});
