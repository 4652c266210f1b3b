// Private keys as ssh2 knows them: read from files, and offered by an agent one at a time.
import ssh2, { BaseAgent, createAgent, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import type { AgentKey } from './attempts.ts';
import type { ParsedKeyFile } from './identity.ts';

/** What a key file holds. Certificates are refused: ssh2 has none. */
export function parseKeyFile(body: Buffer, passphrase?: string): ParsedKeyFile {
  if (/^(?:ssh|ecdsa|sk)-\S+-cert-v01@openssh\.com /.test(body.toString('latin1'))) {
    return { kind: 'bad', reason: 'it is a certificate, and kbinit does not log in with certificates' };
  }
  const parsed: ParsedKey | Error | (ParsedKey | Error)[] = ssh2.utils.parseKey(body, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return { kind: 'bad', reason: 'it holds no key' };
  if (key instanceof Error) {
    return /no passphrase given/.test(key.message) ? { kind: 'encrypted' } : { kind: 'bad', reason: key.message };
  }
  return { kind: key.isPrivateKey() ? 'key' : 'public', publicBlob: key.getPublicSSH() };
}

/** A key in an agent. */
export interface HeldKey extends AgentKey {
  readonly agent: BaseAgent;
  readonly key: ParsedKey;
}

/** An agent that offers one of another agent's keys, so that each attempt is one key and none is tried in vain. */
export class OneKeyAgent extends BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent;
  readonly #key: ParsedKey;

  constructor(agent: BaseAgent, key: ParsedKey) {
    super();
    this.#agent = agent;
    this.#key = key;
  }

  override getIdentities(callback: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    callback(undefined, [this.#key]);
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, done);
  }
}

/** The keys of the agent behind a socket; none where there is no agent. */
export async function agentKeys(
  agentSocket: string | undefined,
  warn: (text: string) => void,
): Promise<readonly HeldKey[]> {
  if (agentSocket === undefined || agentSocket === '') return [];
  const agent = createAgent(agentSocket);
  return new Promise((resolve) => {
    agent.getIdentities((error, keys) => {
      if (error !== undefined && error !== null) warn(`ssh-agent does not answer: ${error.message}`);
      const parsed = (keys ?? []).filter((key) => typeof key === 'object' && 'getPublicSSH' in key);
      resolve(parsed.map((key) => ({ agent, key, publicBlob: key.getPublicSSH(), comment: key.comment })));
    });
  });
}
