// Looking at several hosts: one round trip each, and every check is told for every host.
import { expect, test } from 'vitest';
import { error, type Check } from '../../../src/preflight/check.ts';
import { inspect, lookAt, type Candidate } from '../../../src/preflight/inspect.ts';
import { FakeHost } from '../../fakes/host.ts';

const answer = '\n@@kbinit:identity\n0\nLinux\n\n@@kbinit:macs\n52:54:00:00:00:01 eth0\n\n@@kbinit:end\n';
const refused = (): Promise<never> => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
const fine: Check = { name: 'Fine', run: () => [] };
const bad: Check = { name: 'Bad', run: () => [error('Bad', 'it is bad', 'make it good')] };

function candidate(
  name: string,
  checks: readonly Check[],
  machineId: string,
  clock = { host: 0, local: 0 },
): Candidate & { readonly view: FakeHost } {
  const view = new FakeHost({
    name,
    facts: { machineId, defaultRoutes: [], clock },
    replies: [['@@kbinit', answer]],
    dial: refused,
  });
  return {
    host: name,
    role: 'control-plane',
    nodeName: name,
    address: `10.0.0.${name.length}`,
    view,
    batches: [checks],
  };
}

const run = { ignore: [], apiPort: 6443, hasLocalEtcd: false };

test('a host alone is only judged by itself', async () => {
  const one = candidate('a', [fine, bad], 'x');
  const [report] = await inspect([await lookAt(one)], run);
  expect(report?.results.map(({ name, outcome }) => `${outcome} ${name}`)).toEqual(['passed Fine', 'error Bad']);
  expect(one.view.ran).toHaveLength(1);
});

test('several hosts are held against each other, and every way that is open is told as passed', async () => {
  const all = await Promise.all([candidate('a', [fine], 'x'), candidate('bb', [fine], 'x')].map(lookAt));
  const reports = await inspect(all, { ...run, ignore: ['uniquemachineid'] });
  expect(reports.map(({ host, results }) => [host, results.map(({ name, outcome }) => `${outcome} ${name}`)])).toEqual(
    ['a', 'bb'].map((name) => [
      name,
      [
        'passed Fine',
        'passed UniqueNodeName',
        'ignored UniqueMachineID',
        'passed UniqueMAC',
        'passed UniqueAddress',
        'passed UniqueProductUUID',
        'passed ClockSkew',
        'passed Reachable-6443',
        'passed Reachable-10250',
      ],
    ]),
  );
});

test('where the hosts agree and this machine does not, the report has a line for this machine', async () => {
  const late = { host: 0, local: 90 };
  const all = await Promise.all(['a', 'bb', 'ccc'].map((name) => lookAt(candidate(name, [fine], name, late))));
  const reports = await inspect(all, run);
  expect(
    reports.map(({ host, results }) => [host, results.filter(({ outcome }) => outcome === 'error').length]),
  ).toEqual([
    ['a', 0],
    ['bb', 0],
    ['ccc', 0],
    ['this machine', 1],
  ]);
});
