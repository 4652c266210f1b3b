// Which host a command works on, as the user writes it.
import { KbError } from '../../errors.ts';
import { readTarget, type Target } from '../../host/ssh/target.ts';

/** Read what --host got. @throws KbError KB_TARGET */
export function parseTarget(text: string): Target {
  const target = readTarget(text);
  if (target !== undefined) return target;
  throw new KbError({
    code: 'KB_TARGET',
    summary: 'invalid --host value',
    detail: `${JSON.stringify(text)} is not [user@]address[:port]`,
    fix: 'write for example root@192.168.3.29, admin@node1.example:2222 or root@[fd00::5]:22',
  });
}
