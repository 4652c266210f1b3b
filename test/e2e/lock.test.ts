// One kbinit at a time on a host: two at once, a holder that dies or is stopped, and what needs no lock.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { amount } from '../long.ts';
import { output } from './observe.ts';
import { eventually, kbinit, over, testLab, type KbinitResult } from './support.ts';

const pairs = amount('KBINIT_LOCK_PAIRS', { short: 6, long: 100 });
const frozenSeconds = amount('KBINIT_LOCK_FREEZE', { short: 20, long: 300 });

let lab: Lab;

beforeAll(async () => {
  lab = await testLab('lock', 77);
  await lab.up([
    { name: 'node1', images: false },
    { name: 'node2', kind: 'bare' },
    { name: 'node3', kind: 'bare' },
  ]);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** A reset that asks whether it may, and waits for an answer that does not come: it holds the lock and changes nothing. */
interface Run {
  readonly process: ChildProcess;
  readonly ended: Promise<KbinitResult>;
  readonly stderr: () => string;
}

function start(): Run {
  let child: ChildProcess | undefined;
  let said = '';
  const ended = kbinit(['reset', ...over(lab, 'node1')], {
    keepsStdin: true,
    onStart: (started) => (child = started),
    onProgress: (text) => (said += text),
  });
  if (child === undefined) throw new Error('it did not start');
  return { process: child, ended, stderr: () => said };
}

/** The process that the host names, once it has the lock. */
async function heldBy(run: Run): Promise<void> {
  await eventually('the lock', 30, async () => {
    const holder = await output(lab, 'node1', 'cat /run/kbinit/holder; flock -n /run/kbinit/lock true || echo held');
    return holder.includes(`pid ${run.process.pid} `) && holder.endsWith('held\n');
  });
}

async function finish(run: Run): Promise<KbinitResult> {
  run.process.stdin?.end('n\n');
  return run.ended;
}

describe('a host that somebody works on', () => {
  test('is kept from a second run, which ends with exit code 6 and names the first', async () => {
    const first = start();
    await heldBy(first);
    const second = await kbinit(['reset', '--force', ...over(lab, 'node1')]);
    expect(second.code, second.stderr).toBe(6);
    expect(second.stderr).toContain('KB_LOCKED');
    expect(second.stderr).toMatch(
      new RegExp(`\\S+@\\S+ pid ${first.process.pid} .*since \\d{4}-.*: kbinit reset`, 's'),
    );
    expect((await finish(first)).stderr).toContain('KB_NOT_CONFIRMED');
  });

  test('can be looked at, and planned for, all the same', async () => {
    const first = start();
    await heldBy(first);
    const plan = await kbinit(['reset', '--force', '--dry-run', ...over(lab, 'node1')]);
    expect(plan.code, plan.stderr).toBe(0);
    const look = await kbinit(['reset', 'phase', 'preflight', '--force', ...over(lab, 'node1')]);
    expect(look.code, look.stderr).toBe(0);
    await finish(first);
  });
});

test('a command for several hosts changes none of them while somebody works on one', async () => {
  const first = start();
  await heldBy(first);
  const { address } = lab.host('node1');
  const hosts = ['node1', 'node3'].flatMap((name) => ['--host', `root@${lab.host(name).address}`]);
  const run = await kbinit(['etcd', 'init', ...over(lab, 'node2'), ...hosts]);
  await finish(first);
  expect(run.code, run.stderr).toBe(6);
  expect(run.stderr).toMatch(/KB_LOCKED/);
  expect(run.stderr).toContain(address);
  for (const host of ['node2', 'node3']) {
    expect(await output(lab, host, 'ls -A /etc/kubernetes /etc/etcd /var/lib/kbinit 2>/dev/null; true')).toBe('');
  }
});

test(
  'of pairs that start within 50 ms, exactly one has the host each time, and the other ends within 5 s (R54)',
  async () => {
    for (let pair = 0; pair < pairs; pair++) {
      const first = start();
      await wait((pair * 50) / pairs);
      const second = start();
      const [loser, code] = await Promise.race([
        first.ended.then(({ code: ended }) => [first, ended] as const),
        second.ended.then(({ code: ended }) => [second, ended] as const),
      ]);
      const winner = loser === first ? second : first;
      await heldBy(winner);
      const { code: ended, stderr } = await finish(winner);
      expect(code, loser.stderr()).toBe(6);
      // By the loser's own clock: how long a process takes to start is the machine's.
      const own = Number(/^failed after ([\d.]+)s$/m.exec(loser.stderr())?.[1]);
      expect(own, loser.stderr()).toBeLessThan(5);
      expect(loser.stderr()).toContain(`pid ${winner.process.pid} `);
      expect(ended).toBe(1);
      expect(stderr).toContain('KB_NOT_CONFIRMED');
    }
  },
  pairs * 30_000,
);

describe('a holder', () => {
  test('that is killed leaves the host free (R55)', async () => {
    const first = start();
    await heldBy(first);
    first.process.kill('SIGKILL');
    await first.ended;
    const next = start();
    await heldBy(next);
    expect((await finish(next)).stderr).toContain('KB_NOT_CONFIRMED');
  }, 120_000);

  test(
    'that is frozen is not robbed (R55)',
    async () => {
      const first = start();
      await heldBy(first);
      first.process.kill('SIGSTOP');
      await wait(frozenSeconds * 1000);
      const second = await kbinit(['reset', '--force', ...over(lab, 'node1')]);
      first.process.kill('SIGCONT');
      expect(second.code, second.stderr).toBe(6);
      expect(second.stderr).toContain(`pid ${first.process.pid} `);
      expect((await finish(first)).stderr).toContain('KB_NOT_CONFIRMED');
    },
    (frozenSeconds + 90) * 1000,
  );

  test('whose line is cut leaves the host free within a minute (R55)', async () => {
    const first = start();
    await heldBy(first);
    // What the host sends is not answered any more, and nobody is told.
    const find = `tr '\\0' '\\n' < /proc/$(head -n 1 /run/kbinit/holder)/environ | sed -n 's/^SSH_CONNECTION=//p'`;
    const [, port = ''] = (await output(lab, 'node1', find)).split(' ');
    expect(port).toMatch(/^\d+$/);
    const rule = (verb: string): string => `iptables ${verb} INPUT -p tcp --sport ${port} -j DROP`;
    await output(lab, 'node1', rule('-I'));
    try {
      const began = performance.now();
      await eventually('the host to be free', 75, async () => {
        return (await output(lab, 'node1', 'flock -n /run/kbinit/lock echo free || true')).includes('free');
      });
      expect(performance.now() - began).toBeLessThan(60_000);
    } finally {
      first.process.kill('SIGKILL');
      await first.ended;
      await output(lab, 'node1', rule('-D'));
    }
  }, 150_000);
});
