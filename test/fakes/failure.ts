// What a promise failed with, where a failure is what a test is about.
import { KbError } from '../../src/errors.ts';

/** @throws what is no KbError; an Error where nothing failed */
export async function failureOf(run: Promise<unknown>): Promise<KbError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof KbError) return error;
    throw error;
  }
  throw new Error('it was to fail, and did not');
}
