// Whose the configuration file of a service is: kbinit's, the distribution's as it came, or somebody's work.
import { KbError, type Problem } from '../../errors.ts';
import { script, sh } from '../../host/shell.ts';
import { ownershipOf } from '../../manifests/own-file.ts';
import type { LbContext } from './context.ts';

/** A file on a host that a service reads. */
export interface ServiceFile {
  /** Package, program and unit have the same name. */
  readonly service: 'haproxy' | 'keepalived';
  readonly path: string;
}

export interface FoundFile {
  /** undefined when there is none. */
  readonly text: string | undefined;
  /** The same, a byte a character: what is put back or kept beside it may be no UTF-8. */
  readonly bytes: string | undefined;
  /** True when something is lost with it: then it is kept beside the new one. */
  readonly isPrecious: boolean;
}

// The package's own record of the file it brought: md5sum is what dpkg keeps; `5` is rpm's word for another digest.
const asPackaged = script`
if command -v dpkg-query >/dev/null; then
  want=$(dpkg-query -W -f='$''{Conffiles}\n' "$1" 2>/dev/null | awk -v f="$2" '$1 == f { print $2 }')
  [ -n "$want" ] && [ "$(md5sum <"$2" | cut -d ' ' -f 1)" = "$want" ] && exit 0
fi
command -v rpm >/dev/null && [ "$(rpm -qf --qf '%{NAME}' "$2" 2>/dev/null)" = "$1" ] || exit 1
rpm -V "$1" 2>/dev/null | awk -v f="$2" '$NF == f && $1 ~ /5/ { bad = 1 } END { exit bad }'
`;

/** Look at the file. @throws KbError KB_LB_FOREIGN unless it may be replaced */
export async function findFile(ctx: LbContext, file: ServiceFile): Promise<FoundFile> {
  const bytes = (await ctx.host.readAll([file.path], 'latin1')).get(file.path);
  if (bytes === undefined) return { text: undefined, bytes, isPrecious: false };
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  const ownership = ownershipOf(text);
  if (ownership === 'ours') return { text, bytes, isPrecious: false };
  const { code } = await ctx.host.probe(sh`set -- ${file.service} ${file.path}; ${asPackaged}`);
  if (code === 0) return { text, bytes, isPrecious: false };
  if (!ctx.spec.isForced) throw new KbError(notOurs(ctx.host.name, file.path, ownership === 'edited'));
  return { text, bytes, isPrecious: true };
}

function notOurs(host: string, path: string, isEdited: boolean): Problem {
  return {
    code: 'KB_LB_FOREIGN',
    summary: isEdited ? 'the configuration was edited by hand' : 'the configuration is not from kbinit',
    host,
    detail: isEdited
      ? `${path} was written by kbinit and is not as it was written`
      : `${path} was not written by kbinit, and is not the file that came with the package`,
    fix: 'move it away; or give --force to replace it: a backup copy is then kept',
  };
}
