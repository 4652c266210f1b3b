// Go durations (`24h0m0s`, `1.5h`, `300ms`) to seconds and back.

const unitSeconds: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** time.Duration is an int64 of nanoseconds: about 292 years. */
const longestSeconds = 9223372036;

/** Seconds of a Go duration, as time.ParseDuration reads it; undefined when it is not one. */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[-+]/, '');
  if (body === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let nanoseconds = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+\.?\d*|\.\d+)([a-zµμ]+)/g)) {
    nanoseconds += Number(amount) * (unitSeconds[unit ?? ''] ?? Number.NaN) * 1e9;
  }
  const seconds = Math.round(nanoseconds) / 1e9;
  return seconds > longestSeconds ? undefined : sign * seconds;
}

/** `24h0m0s`, as Duration.String prints it; below a second `250ms`, `3µs`. */
export function formatDuration(seconds: number): string {
  const nanoseconds = Math.round(Math.abs(seconds) * 1e9);
  const sign = seconds < 0 && nanoseconds > 0 ? '-' : '';
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${sign}${nanoseconds / 1e6}ms`;
  const whole = Math.floor(nanoseconds / 1e9);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  // Seconds and their fraction are put together as text: 59.1 must not become 59.099999999.
  const fraction = String(nanoseconds % 1e9)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const rest = `${whole % 60}${fraction === '' ? '' : `.${fraction}`}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${sign}${minutes}m${rest}` : `${sign}${rest}`;
}
