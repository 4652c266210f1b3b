// ClockSkew: the host's clock agrees with ours, which writes the certificates' dates.
import { count } from '../../util/text.ts';
import { error, type Check, type Finding } from '../check.ts';

export const clockSkewName = 'ClockSkew';

/** Beyond it certificates, tokens and etcd's leases begin to fail (R20). */
export const toleratedSeconds = 30;

/** One host alone is held against this machine. */
export const clockSkew: Check = {
  name: clockSkewName,
  run({ facts: { clock } }) {
    const offset = clock.host - clock.local;
    return Math.abs(offset) <= toleratedSeconds ? [] : [skewed(offset, "this machine's")];
  },
};

/** `offset` in seconds, positive where the clock is ahead of `whose`. */
export function skewed(offset: number, whose: string): Finding {
  const amount = count(Math.round(Math.abs(offset)), 'second');
  const text = `its clock is ${amount} ${offset > 0 ? 'ahead of' : 'behind'} ${whose}`;
  return error(clockSkewName, text, 'synchronise both with the same time server (chrony: `chronyc makestep`)');
}
