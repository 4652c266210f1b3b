import { expect, test } from 'vitest';
import { recordingEtcd } from '../../../src/cluster/recording-etcd.ts';
import { FakeEtcd, three } from '../../fakes/etcd.ts';
import { recordingReporter } from '../../fakes/host.ts';

test('in a dry run questions reach etcd, and every change is a line of the plan instead', async () => {
  const etcd = new FakeEtcd(three);
  const reporter = recordingReporter();
  const endpoint = 'https://192.168.3.29:2379';
  const recording = recordingEtcd(etcd.open({ endpoints: [endpoint] }), { host: 'master1', reporter });
  expect(await recording.members()).toHaveLength(3);
  expect((await recording.status(endpoint)).memberId).toBe('10276657743932975437');
  expect(await recording.addLearner('https://192.168.3.32:2380')).toMatchObject({ isLearner: true });
  await recording.promote('255');
  await recording.remove('10276657743932975437');
  expect(etcd.removed).toMatchObject([]);
  expect(reporter.events).toMatchObject([
    {
      kind: 'plan',
      host: 'master1',
      action: 'create',
      text: 'add https://192.168.3.32:2380 to the etcd cluster as a learner',
    },
    { kind: 'plan', host: 'master1', action: 'change', text: 'let etcd member ff vote' },
    { kind: 'plan', host: 'master1', action: 'delete', text: 'remove etcd member 8e9e05c52164694d from its cluster' },
  ]);
});

test('members are listed as they will be: added, promoted and removed', async () => {
  const etcd = new FakeEtcd(three);
  const endpoint = 'https://192.168.3.29:2379';
  const recording = recordingEtcd(etcd.open({ endpoints: [endpoint] }), {
    host: 'master1',
    reporter: recordingReporter(),
  });
  const fourth = await recording.addLearner('https://192.168.3.32:2380');
  const fifth = await recording.addLearner('https://192.168.3.33:2380');
  expect(fifth.id).not.toBe(fourth.id);
  await recording.promote(fourth.id);
  const [first] = await recording.members();
  await recording.remove(first?.id ?? '');
  const listed = await recording.members();
  expect(listed).toHaveLength(4);
  expect(listed.map(({ id }) => id)).not.toContain(first?.id);
  expect(listed.filter(({ isLearner }) => isLearner).map(({ peerUrls }) => peerUrls)).toEqual([
    ['https://192.168.3.33:2380'],
  ]);
});
