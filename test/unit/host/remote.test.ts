import { expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { ConnectionLost } from '../../../src/host/failures.ts';
import type { ExecResult, Transport } from '../../../src/host/host.ts';
import { openHost } from '../../../src/host/remote.ts';
import { sh } from '../../../src/host/shell.ts';
import type { RunEvent } from '../../../src/report/events.ts';

/** A host whose connection is lost under the first command. */
function shakyHost(isInFlight: boolean): {
  host: ReturnType<typeof openHost>;
  events: RunEvent[];
  calls: () => number;
} {
  let calls = 0;
  const transport: Transport = {
    target: 'root@a:22',
    exec: (): Promise<ExecResult> => {
      calls++;
      if (calls === 1) return Promise.reject(new ConnectionLost('a', 'root@a:22 went away', isInFlight));
      return Promise.resolve({ code: 0, stdout: 'x', stderr: '' });
    },
    dial: () => Promise.reject(new Error('not here')),
    close: () => Promise.resolve(),
  };
  const events: RunEvent[] = [];
  const host = openHost(transport, { name: 'a', reporter: { emit: (event) => void events.push(event) } });
  return { host, events, calls: () => calls };
}

const warnings = (events: readonly RunEvent[]): readonly string[] =>
  events.flatMap((event) => (event.kind === 'warning' ? [`${event.host}: ${event.text}`] : []));

test('a lost connection that is made again is told', async () => {
  const { host, events } = shakyHost(true);
  expect((await host.probe(sh`true`)).stdout).toBe('x');
  expect(warnings(events)).toEqual(['a: root@a:22 went away; trying again']);
});

test('a command that may have run and must not run twice is not run again, and no second connection is announced', async () => {
  const { host, events, calls } = shakyHost(true);
  await expect(host.run(sh`true`, 'try')).rejects.toThrow('KB_SSH_LOST');
  expect(calls()).toBe(1);
  expect(warnings(events)).toEqual([]);
});

test('a command that cannot have run is run again', async () => {
  const { host, calls } = shakyHost(false);
  await host.run(sh`true`, 'try');
  expect(calls()).toBe(2);
});

test('a host that says of itself what cannot be is named: of several, this one is meant', async () => {
  const transport: Transport = {
    target: 'root@a:22',
    exec: () => Promise.resolve({ code: 0, stdout: 'uname x y 6.1.0 x86_64\n', stderr: '' }),
    dial: () => Promise.reject(new Error('not here')),
    close: () => Promise.resolve(),
  };
  const host = openHost(transport, { name: 'node1', reporter: { emit: () => undefined } });
  const error: unknown = await host.facts().catch((cause: unknown) => cause);
  expect(error instanceof KbError && error.problems.map(({ code, host: on }) => `${code} ${on}`)).toEqual([
    'KB_HOST_NAME node1',
  ]);
});
