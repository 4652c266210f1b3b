// What is said when an answer cannot be printed as it was asked for.
import { KbError } from '../../errors.ts';

/** A template or a format that cannot be used. */
export function wrong(detail: string, fix: string): KbError {
  return new KbError({ code: 'KB_OUTPUT', summary: 'invalid output format', detail, fix });
}
