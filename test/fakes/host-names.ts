// Names that a host may say it has: real ones, ones with a character that means something in some file, and anything.
import * as fc from 'fast-check';

/** What separates, stands for, quotes or hides something in a known_hosts, an environment file, a list or a certificate. */
const meaningful = [
  ...' \t\n\r,=:/*?!|\\\'"$`;#%@[]'.split(''),
  '\0',
  '\u202E',
  '\u00E9',
  '://',
  ',evil=https://10.9.9.9:2380',
];

/** Any name of a host. */
export const anyHostName: fc.Arbitrary<string> = fc.oneof(
  fc.domain(),
  fc
    .tuple(fc.domain(), fc.constantFrom(...meaningful), fc.domain(), fc.nat(2))
    .map(
      ([before, odd, after, place]) => [`${odd}${after}`, `${before}${odd}`, `${before}${odd}${after}`][place] ?? odd,
    ),
  fc.string(),
  fc.string({ unit: 'binary' }),
);
