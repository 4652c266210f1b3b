// Flags with a single value that are given more than once: pflag takes the last in silence, here only the same value may be repeated.
import type { Option } from 'commander';
import { KbError } from '../../errors.ts';
import { shownValue } from './resume.ts';

/** Have an option refuse a second, different value. It remembers the first: it belongs to one command line. */
export function givenOnce(declared: Option): Option {
  if (declared.isBoolean()) return declared;
  const read: Option['parseArg'] = declared.parseArg;
  let first: string | undefined;
  return declared.argParser((text: string): unknown => {
    const value: unknown = read === undefined ? text : read<unknown>(text, undefined);
    if (first !== undefined && first !== text) throw givenTwice(declared, first, text);
    first = text;
    return value;
  });
}

/** @returns KbError KB_USAGE, with both values unless they are secrets */
export function givenTwice({ long }: Option, first: string, second: string): KbError {
  const flag = long ?? '';
  const [one, other] = [first, second].map((value) => shownValue(flag, value));
  const values = one === undefined || other === undefined ? 'two different values' : `${one} and ${other}`;
  const isHost = flag === '--host';
  return new KbError({
    code: 'KB_USAGE',
    summary: isHost ? 'this command accepts a single --host' : `${flag} was given more than once`,
    detail: `${flag} was given ${values}`,
    fix: isHost ? 'run the command once for each host' : `give ${flag} once`,
  });
}
