import { describe, expect, test } from 'vitest';
import type { Identity } from '../../../../src/host/ssh/identity.ts';
import { describeAttempt, loginAttempts, type AgentKey, type LoginOptions } from '../../../../src/host/ssh/attempts.ts';

function agentKey(name: string): AgentKey {
  return { comment: name, publicBlob: Buffer.from(name) };
}

function identity(name: string, isUsable = true): Identity {
  const publicBlob = Buffer.from(name);
  const loaded = isUsable ? { file: name, publicBlob, key: 'pem' } : undefined;
  return { file: name, publicBlob, load: () => Promise.resolve(loaded) };
}

/** What would be tried if nothing worked. */
async function tried(options: Partial<LoginOptions<AgentKey>>): Promise<readonly string[]> {
  const attempts = loginAttempts({
    agentKeys: [],
    identities: [],
    areIdentitiesNamed: false,
    methodsLeft: () => ['publickey', 'password'],
    ...options,
  });
  const list: string[] = [];
  for await (const attempt of attempts) list.push(describeAttempt(attempt));
  return list;
}

describe('the order of logins', () => {
  test('is agent, key files, password', async () => {
    const options = { agentKeys: [agentKey('a')], identities: [identity('f')], askPassword: async () => 'x' };
    expect(await tried(options)).toEqual(['none', 'agent key a', 'key f', 'password']);
  });

  test('begins with the key files that the user named', async () => {
    const options = { agentKeys: [agentKey('a')], identities: [identity('f')], areIdentitiesNamed: true };
    expect(await tried(options)).toEqual(['none', 'key f', 'agent key a']);
  });

  test('takes a named key from the agent when it is there, and tries it once', async () => {
    const options = {
      agentKeys: [agentKey('a'), agentKey('f')],
      identities: [identity('f')],
      areIdentitiesNamed: true,
    };
    expect(await tried(options)).toEqual(['none', 'agent key f', 'agent key a']);
  });

  test('offers no other key of the agent where only the named ones shall be (IdentitiesOnly)', async () => {
    const options = {
      agentKeys: [agentKey('a'), agentKey('f')],
      identities: [identity('f'), identity('g')],
      areIdentitiesNamed: true,
      areIdentitiesAll: true,
    };
    expect(await tried(options)).toEqual(['none', 'agent key f', 'key g']);
  });

  test('stops at five keys, so that a password is still heard', async () => {
    const agentKeys = Array.from({ length: 9 }, (_, n) => agentKey(String(n)));
    const list = await tried({ agentKeys, askPassword: async () => 'x' });
    expect([list.length, list.at(-1)]).toEqual([7, 'password']);
  });

  test('leaves keys out where the host takes none', async () => {
    const options = { agentKeys: [agentKey('a')], methodsLeft: () => ['password'], askPassword: async () => 'x' };
    expect(await tried(options)).toEqual(['none', 'password']);
  });

  test('asks for no password that the host does not take', async () => {
    const askPassword = (): Promise<string> => Promise.reject(new Error('asked'));
    expect(await tried({ methodsLeft: () => ['publickey'], askPassword })).toEqual(['none']);
  });

  test('passes over a default key whose passphrase nobody can give', async () => {
    expect(await tried({ identities: [identity('locked', false), identity('f')] })).toEqual(['none', 'key f']);
  });
});
