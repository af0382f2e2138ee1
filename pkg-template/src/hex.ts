/** The bytes of hex digits, with or without `0x`; undefined for what is none. */
export function hexBytes(text: string): Uint8Array | undefined {
  const hex = text.replace(/^0x/i, "");
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex)) return undefined;
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Bytes as lower-case hex digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
