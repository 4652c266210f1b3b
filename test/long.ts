// The long forms of tests (`npm test -- --long`), and one of them alone by its variable.

const isLong = process.env['KBINIT_TEST_LONG'] === '1';

/** How many, or how long, in each form. A variable of its own sets it for one test. */
export function amount(variable: string, { short, long }: { readonly short: number; readonly long: number }): number {
  return Number(process.env[variable] || (isLong ? long : short));
}
