import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { suggestionsOf } from '../../../../src/cli/run/suggest.ts';
import {
  instructions,
  joinArguments,
  joinCommand,
  type JoinInstructions,
} from '../../../../src/phases/init/show-join.ts';

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
  const text = readFileSync(new URL(`../../../golden/v1.36.3/${name}/dryrun.txt`, import.meta.url), 'utf8');
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

describe('read on another machine', () => {
  const way = { host: 'root@192.168.3.29', identityFile: ['key'], knownHosts: '/k' };
  const operator = suggestionsOf(way).operator('root@192.168.3.29');
  const flags = '--identity-file key --known-hosts /k';
  const pin = join.pins[0] ?? '';

  test('the join is for a host that is reached from there, and what kubeadm takes comes second', () => {
    const text = instructions({ ...join, operator });
    expect(text).toContain(
      `\nkbinit join 192.168.3.129:6443 --host root@NODE ${flags} --token abcdef.0123456789abcdef \\\n\t--discovery-token-ca-cert-hash ${pin} \n`,
    );
    expect(text).toContain(
      `\nkubeadm join 192.168.3.129:6443 --token abcdef.0123456789abcdef \\\n\t--discovery-token-ca-cert-hash ${pin} \n`,
    );
  });

  test('nothing is copied on a machine that has no admin.conf: the kubeconfig is fetched', () => {
    const text = instructions({ ...join, operator });
    expect(text).toContain(`  kbinit kubeconfig get --host root@192.168.3.29 ${flags} -o ~/.kube/config\n`);
    expect(text).not.toMatch(/sudo|export KUBECONFIG/);
    expect(text).toContain(`or "kbinit addon apply flannel --host root@192.168.3.29 ${flags}".`);
  });

  test('control planes join with the uploaded keys, or with those of the first, over SSH', () => {
    const ha = { ...join, hasControlPlaneEndpoint: true, operator };
    const uploaded = instructions(ha);
    expect(uploaded).toContain(`--control-plane --certificate-key ${join.certificateKey ?? ''}\n`);
    expect(uploaded).toContain(
      `"kbinit init phase upload-certs --upload-certs --host root@192.168.3.29 ${flags}" to reload`,
    );
    const { certificateKey: _, ...withoutKey } = ha;
    const copied = instructions({ ...withoutKey, uploadCerts: false });
    expect(copied).toContain('--control-plane --copy-certs-from root@192.168.3.29\n');
  });

  test('token create prints both in one line each; on the host only the one', () => {
    const { certificateKey: _, ...worker } = join;
    const words = `--token ${join.token} --discovery-token-ca-cert-hash ${pin} `;
    expect(joinCommand({ ...worker, operator })).toBe(
      `kbinit join 192.168.3.129:6443 --host root@NODE ${flags} ${words}\nkubeadm join 192.168.3.129:6443 ${words}`,
    );
    expect(joinCommand(worker)).toBe(`kbinit join 192.168.3.129:6443 ${words}`);
  });
});
