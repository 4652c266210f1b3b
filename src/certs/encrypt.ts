// The values of the Secret kubeadm-certs: AES-256-GCM under the certificate key (spec 04 §6.3).
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { KbError } from '../errors.ts';

const nonceBytes = 12;
const tagBytes = 16;

/** 32 bytes as 64 hexadecimal characters. */
export function isCertificateKey(text: string): boolean {
  return /^[0-9a-fA-F]{64}$/.test(text);
}

/** nonce ‖ ciphertext ‖ tag. The nonce is 12 random bytes, a new one for every value. */
export function encrypt(plain: Uint8Array, certificateKey: string, nonce: Uint8Array): Buffer {
  if (nonce.length !== nonceBytes) throw new RangeError(`a nonce has ${nonceBytes} bytes`);
  const cipher = createCipheriv('aes-256-gcm', keyBytes(certificateKey), nonce);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws KbError KB_CERTIFICATE_KEY when the value was not encrypted with this key */
export function decrypt(value: Uint8Array, certificateKey: string): Buffer {
  const key = keyBytes(certificateKey);
  if (value.length < nonceBytes + tagBytes) throw notDecrypted('the value is too short to be one');
  const decipher = createDecipheriv('aes-256-gcm', key, value.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAuthTag(value.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(value.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    throw notDecrypted('its authentication tag does not fit');
  }
}

function keyBytes(certificateKey: string): Buffer {
  if (isCertificateKey(certificateKey)) return Buffer.from(certificateKey, 'hex');
  throw new KbError({
    code: 'KB_CERTIFICATE_KEY',
    summary: 'the certificate key is not one',
    detail: `it has ${certificateKey.length} characters; a certificate key is 64 hexadecimal characters`,
    fix: 'take the key that was printed when the certificates were uploaded, or make one with `kbinit certs certificate-key`',
  });
}

function notDecrypted(detail: string): KbError {
  return new KbError({
    code: 'KB_CERTIFICATE_KEY',
    summary: 'the uploaded certificates do not open with this certificate key',
    detail: `a value of the Secret kube-system/kubeadm-certs cannot be decrypted: ${detail}`,
    fix: 'upload them again with `kbinit init phase upload-certs --upload-certs --host root@CONTROL_PLANE` and use the key it prints',
  });
}
