// Quantities (`512Mi`, `0.5`, `1e3`) as Go's resource.Quantity reads and writes them.

interface Suffix {
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly form: Form;
}

type Form = 'decimal' | 'binary' | 'exponent';

const decimalSuffixes: readonly (readonly [string, number])[] = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'].map(
  (word, index) => [word, index * 3 - 9],
);
const binarySuffixes: readonly (readonly [string, number])[] = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map(
  (word, index) => [word, (index + 1) * 10],
);

/** Digits that always fit an int64. */
const surelyInt64 = 18;
const largestInt64 = 2n ** 63n - 1n;
/** Finer than this nothing is kept. */
const nano = 9;

/** What Go writes for a quantity that it reads; undefined when it does not read it. */
export function canonicalQuantity(text: string): string | undefined {
  const match = /^([+-]?)0*(\d*)(?:\.(\d*))?([eEinumkKMGTP]*(?:(?<=[eE])[+-]?\d+)?)$/.exec(text);
  if (match === null || !/\d/.test(text.replace(/[eE].*/, ''))) return undefined;
  const [, sign = '', digits = '', fraction = '', word = ''] = match;
  const suffix = suffixOf(word);
  if (suffix === undefined) return undefined;
  const whole = digits === '' ? '0' : digits;
  if (isKeptAsWritten(suffix, whole, fraction)) return text;
  const unscaled = BigInt(whole + fraction) * (suffix.base === 2 ? 2n ** BigInt(suffix.exponent) : 1n);
  const scale = fraction.length - (suffix.base === 10 ? suffix.exponent : 0);
  const amount = roundedUp(unscaled, scale);
  if (amount.unscaled === 0n) return '0';
  const written = suffix.form === 'binary' ? writeBinary(amount) : writeDecimal(amount, suffix.form);
  return `${sign === '-' ? '-' : ''}${written}`;
}

function suffixOf(word: string): Suffix | undefined {
  const decimal = decimalSuffixes.find(([known]) => known === word);
  if (decimal !== undefined) return { base: 10, exponent: decimal[1], form: 'decimal' };
  const binary = binarySuffixes.find(([known]) => known === word);
  if (binary !== undefined) return { base: 2, exponent: binary[1], form: 'binary' };
  return /^[eE][+-]?\d{1,9}$/.test(word) ? { base: 10, exponent: Number(word.slice(1)), form: 'exponent' } : undefined;
}

/** Go remembers the text of a quantity that looks canonical to its fast parser, also `+5`, `1.500` and `007Mi`. */
function isKeptAsWritten({ base, exponent }: Suffix, whole: string, fraction: string): boolean {
  const value = BigInt(whole + fraction);
  if (base === 2) {
    const precision = 14 - whole.length - Math.trunc((exponent * 3) / 10);
    const isFast = fraction === '' && precision >= 0 && value * 2n ** BigInt(exponent) <= largestInt64;
    return isFast && (value & 7n) !== 0n;
  }
  const scale = exponent - fraction.length;
  const shifted = whole + fraction;
  const isFast = shifted.length <= surelyInt64 && scale >= -nano;
  return isFast && scale % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0');
}

/** unscaled / 10^scale */
interface Amount {
  readonly unscaled: bigint;
  readonly scale: number;
}

function roundedUp(unscaled: bigint, scale: number): Amount {
  if (scale <= nano || unscaled === 0n) return { unscaled, scale };
  // What is smaller than the smallest unit becomes that, however small it is.
  const isTiny = scale - nano >= unscaled.toString().length;
  return { unscaled: isTiny ? 1n : divideUp(unscaled, 10n ** BigInt(scale - nano)), scale: nano };
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

/** Only whole numbers of 1024 and more are written with a binary suffix. */
function writeBinary(amount: Amount): string {
  const unit = 10n ** BigInt(Math.max(0, amount.scale));
  const capped = amount.unscaled > largestInt64 * unit ? { unscaled: largestInt64, scale: 0 } : amount;
  const divisor = 10n ** BigInt(Math.max(0, capped.scale));
  if (capped.unscaled < 1024n * divisor || capped.unscaled % divisor !== 0n) return writeDecimal(capped, 'decimal');
  const { rest, times } = withoutFactors(capped.unscaled / divisor, 1024n);
  return `${rest}${binarySuffixes[times - 1]?.[0] ?? ''}`;
}

/** The exponent becomes a multiple of three. One beyond the suffixes is left out, as Go does. */
function writeDecimal({ unscaled, scale }: Amount, form: Form): string {
  const { rest, times } = withoutFactors(unscaled, 10n);
  const exponent = times - scale;
  const multiple = Math.floor(exponent / 3) * 3;
  const number = rest * 10n ** BigInt(exponent - multiple);
  if (form === 'exponent') return `${number}${multiple === 0 ? '' : `e${multiple}`}`;
  return `${number}${decimalSuffixes.find(([, known]) => known === multiple)?.[0] ?? ''}`;
}

function withoutFactors(value: bigint, factor: bigint): { readonly rest: bigint; readonly times: number } {
  let rest = value;
  let times = 0;
  while (rest !== 0n && rest % factor === 0n) {
    rest /= factor;
    times++;
  }
  return { rest, times };
}
