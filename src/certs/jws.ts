// The detached JWS that proves to a joining node that cluster-info was written by who knows its token (spec 06 §3.1).
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Signing {
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** The kubeconfig text of the ConfigMap cluster-info. */
  readonly payload: string;
}

/** `<header>..<signature>` (RFC 7515 appendix F), HMAC-SHA256 with the token's secret. */
export function detachedJws({ tokenId, tokenSecret, payload }: Signing): string {
  // Clients compare the text, so the header has exactly this form and order.
  const header = base64url(`{"alg":"HS256","kid":${JSON.stringify(tokenId)}}`);
  const signature = createHmac('sha256', tokenSecret)
    .update(`${header}.${base64url(payload)}`)
    .digest('base64url');
  return `${header}..${signature}`;
}

/** Whether this signature is the one that the token makes. */
export function verifyDetachedJws(signature: string, signing: Signing): boolean {
  const [given, wanted] = [Buffer.from(signature), Buffer.from(detachedJws(signing))];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
