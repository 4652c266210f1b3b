import { describe, expect, test } from 'vitest';
import { openApi } from '../../../src/cluster/client.ts';
import type { Api } from '../../../src/cluster/types.ts';

const never = (): Promise<never> => new Promise(() => undefined);

/** A client whose host dials into the void: packets vanish, and no answer ever comes. */
function intoTheVoid(server: string, signal: AbortSignal): Api {
  return openApi({ server, dial: never, host: 'master1', reporter: { emit: () => undefined }, signal, callSeconds: 1 });
}

describe.each(['https://10.0.0.1:6443', 'http://127.0.0.1:10248'])(
  'a request to %s whose connection never opens',
  (server) => {
    test('ends when its time is over', async () => {
      const api = intoTheVoid(server, new AbortController().signal);
      await expect(api.raw('/livez', 0.05)).rejects.toThrow('no answer to GET /livez within 0.05 s');
      api.close();
    });

    test('ends when the run is interrupted', async () => {
      const controller = new AbortController();
      const request = intoTheVoid(server, controller.signal).raw('/livez', 60);
      controller.abort();
      await expect(request).rejects.toMatchObject({ name: 'AbortError' });
    });
  },
);

test.each(['https://10.0.0.1:6443', 'http://127.0.0.1:10248'])(
  'a connection to %s that fails after its request was given up ends nothing else',
  async (server) => {
    const uncaught: unknown[] = [];
    const notice = (error: unknown): unknown => uncaught.push(error);
    process.on('uncaughtException', notice);
    const dial = (): Promise<never> =>
      new Promise((_resolve, reject) => setTimeout(() => reject(new Error('Not connected')), 40));
    const signal = new AbortController().signal;
    const api = openApi({ server, dial, host: 'master1', reporter: { emit: () => undefined }, signal, callSeconds: 1 });
    await expect(api.raw('/livez', 0.01)).rejects.toThrow('no answer');
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.off('uncaughtException', notice);
    api.close();
    expect(uncaught).toEqual([]);
  },
);
