import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { wantedTokens, type CreateFlags } from '../../../../src/cli/commands/token-create.ts';
import { KbError } from '../../../../src/errors.ts';

const chance = { tokenCharacters: (n: number): string => 'x'.repeat(n) };
const token = 'abcdef.1234567890123456';
const key = 'ab'.repeat(32);

function wanted(flags: CreateFlags = {}, argument?: string): ReturnType<typeof wantedTokens> {
  const changed = Object.keys(flags).map((name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  return wantedTokens(flags, argument, changed, chance);
}

function detailsOf(flags: CreateFlags, argument?: string): readonly string[] {
  try {
    wanted(flags, argument);
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ detail }) => detail);
    throw error;
  }
  return [];
}

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'kbinit-token-')), 'config.yaml');
  writeFileSync(path, text);
  return path;
}

describe('flags', () => {
  test("make a random token with kubeadm's defaults and no description", () => {
    expect(wanted().tokens).toEqual([
      {
        token: 'xxxxxx.xxxxxxxxxxxxxxxx',
        ttlSeconds: 86_400,
        usages: ['signing', 'authentication'],
        groups: ['system:bootstrappers:kubeadm:default-node-token'],
      },
    ]);
  });

  test('say all of it', () => {
    const flags = { ttl: '0', usages: ['authentication'], groups: ['system:bootstrappers:foo'], description: 'a b' };
    expect(wanted(flags, token).tokens).toEqual([
      { token, ttlSeconds: 0, usages: ['authentication'], groups: ['system:bootstrappers:foo'], description: 'a b' },
    ]);
  });

  test('without groups give a token that only signs no group', () => {
    expect(wanted({ usages: ['signing'] }).tokens[0]?.groups).toEqual([]);
  });

  test('that are empty stand for the default', () => {
    expect(wanted({ usages: [], groups: [] }).tokens).toEqual(wanted().tokens);
  });

  test('take the token from a file', () => {
    expect(wanted({ tokenFile: file(`${token}\n`) }).tokens[0]?.token).toBe(token);
  });

  test.each<[string, CreateFlags, string | undefined, readonly string[]]>([
    ['a group of another kind', { groups: ['foo'] }, token, ['--groups: "foo" is not a bootstrap group']],
    [
      'groups without authentication',
      { usages: ['signing'], groups: ['system:bootstrappers:foo'] },
      token,
      ['--groups: groups need the usage authentication'],
    ],
    ['a usage that does not exist', { usages: ['foo', 'authentication'] }, token, ['--usages: "foo" is not a usage']],
    ['a negative life', { ttl: '-5m' }, token, ['--ttl: the time is negative']],
    ['a life that is no duration', { ttl: '1 day' }, token, ['--ttl: "1 day" is not a duration']],
    ['a malformed token', {}, 'abcdef.12345', ['the token: the value is not a bootstrap token']],
    [
      'a certificate key without a join command',
      { certificateKey: key },
      token,
      ['--certificate-key: is of use with --print-join-command only'],
    ],
    [
      'a malformed certificate key',
      { certificateKey: 'beef', printJoinCommand: true },
      token,
      ['--certificate-key: the key has 4 characters, not 64'],
    ],
    [
      'everything at once',
      { usages: ['foo'], groups: ['bar'], ttl: 'x', certificateKey: 'beef' },
      'no',
      [
        '--certificate-key: is of use with --print-join-command only',
        '--certificate-key: the key has 4 characters, not 64',
        '--ttl: "x" is not a duration',
        'the token: the value is not a bootstrap token',
        '--usages: "foo" is not a usage',
        '--groups: groups need the usage authentication',
        '--groups: "bar" is not a bootstrap group',
      ],
    ],
  ])('are refused for %s', (_, flags, argument, details) => {
    expect(detailsOf(flags, argument)).toEqual(details);
  });

  test('and an argument are not both taken for the token', () => {
    expect(detailsOf({ tokenFile: file(token) }, token)).toEqual([
      'one is the argument, another is in the file of --token-file',
    ]);
  });

  test('never repeat the token or the key that is wrong', () => {
    const text = detailsOf({ certificateKey: `${key}x`, printJoinCommand: true }, 'SECRET.SECRETSECRET').join();
    expect(text).not.toContain('SECRET');
    expect(text).not.toContain(key);
  });

  test('give the key for a join command', () => {
    expect(wanted({ certificateKey: key, printJoinCommand: true }).certificateKey).toBe(key);
  });
});

describe('a file', () => {
  const head = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n';

  test('gives its tokens, random where it names none', () => {
    const config = file(`${head}bootstrapTokens:\n- ttl: 1h0m0s\n- token: ${token}\n  description: mine\n`);
    expect(wanted({ config }).tokens).toMatchObject([
      { token: 'xxxxxx.xxxxxxxxxxxxxxxx', ttlSeconds: 3600 },
      { token, description: 'mine' },
    ]);
  });

  test('with a version label is read without asking what the label stands for', () => {
    const cluster = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: stable-1\n';
    expect(wanted({ config: file(`${head}---\n${cluster}`) }).tokens).toHaveLength(1);
  });

  test('wins over an argument, which is told', () => {
    const config = file(`${head}bootstrapTokens:\n- token: ${token}\n`);
    const { tokens, warnings } = wanted({ config }, 'zzzzzz.1234567890123456');
    expect(tokens[0]?.token).toBe(token);
    expect(warnings.map(({ message }) => message)).toEqual([`the token given is ignored: tokens are in ${config}`]);
  });

  test('cannot be mixed with flags that say what it says', () => {
    expect(detailsOf({ config: file(head), ttl: '1h', printJoinCommand: true })).toEqual([
      "can not mix '--config' with arguments [ttl]",
    ]);
  });

  test('that is wrong anywhere is refused', () => {
    const config = file(`${head}bootstrapTokens:\n- groups: [foo]\nnodeRegistration: {name: A_B}\n`);
    expect(detailsOf({ config }).join('\n')).toMatch(/nodeRegistration\.name[\s\S]*bootstrapTokens\[0\]\.groups/);
  });
});
