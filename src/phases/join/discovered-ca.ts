// The CA that discovery found has to be one, wherever it is from: nothing could be checked with anything else.
import { caPins } from '../../certs/pin.ts';
import { KbError } from '../../errors.ts';
import type { JoinContext } from './context.ts';

/** The pins of a CA bundle. @throws KbError KB_DISCOVERY_CA when it contains no certificate, or one cannot be read */
export function pinsOfFound(ctx: Pick<JoinContext, 'host'>, ca: string, source: string): readonly string[] {
  let found = 'it contains no certificate';
  try {
    const pins = caPins(ca);
    if (pins.length > 0) return pins;
  } catch (error) {
    found = error instanceof Error ? error.message : String(error);
  }
  throw new KbError({
    code: 'KB_DISCOVERY_CA',
    summary: 'the CA of the cluster cannot be read',
    host: ctx.host.name,
    detail: `certificate-authority-data of ${source}: ${found}`,
    fix: 'put the CA certificate of the cluster there (ca.crt of a control plane, in PEM)',
  });
}
