// Which host a command works on: `[user@]address[:port]`, IPv6 in brackets where a port follows.
import { userInfo } from 'node:os';
import { KbError } from '../errors.ts';

export interface Target {
  readonly user: string;
  readonly address: string;
  readonly port: number;
}

/** Read what --host got. @throws KbError KB_TARGET */
export function parseTarget(text: string): Target {
  const match =
    /^(?:([A-Za-z0-9_.][^@\s]*)@)?(?:\[([0-9A-Fa-f:.%a-z]+)\]|([A-Za-z0-9_][A-Za-z0-9_.-]*)|([0-9A-Fa-f:]+:[0-9A-Fa-f:.]*))(?::(\d{1,5}))?$/.exec(
      text,
    );
  const address = match?.[2] ?? match?.[3] ?? match?.[4];
  const port = Number(match?.[5] ?? 22);
  if (address === undefined || port < 1 || port > 65_535) {
    throw new KbError({
      code: 'KB_TARGET',
      summary: '--host names no host',
      detail: `${JSON.stringify(text)} is not [user@]address[:port]`,
      fix: 'write for example root@192.168.3.29, admin@node1.example:2222 or root@[fd00::5]:22',
    });
  }
  return { user: match?.[1] ?? userInfo().username, address, port };
}
