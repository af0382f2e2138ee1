import { toHex } from "./hex.js";

/** The SHA-256 of a text, in hex. @internal */
export async function sha256Hex(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(hash));
}
