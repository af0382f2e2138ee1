/** A signer that holds its private key. The curve's arithmetic is the wasm module's, so that the page needs no library for it. */
import { invalidArgument } from "./errors.js";
import { hexBytes } from "./hex.js";
import type { EOASigner } from "./signers.js";
import { tools } from "./tools.js";
import { IdentifierKind } from "./types.js";

/** Without a key it makes one. Nothing is loaded before the signer is asked for something. @internal */
export function keySigner(hex?: string): EOASigner {
  const key = hex === undefined ? crypto.getRandomValues(new Uint8Array(32)) : keyBytes(hex);
  let address: Promise<string> | undefined;
  return {
    type: "EOA",
    getIdentifier: async () => {
      const { channel, wasmUrl } = tools();
      address ??= channel.call("tools.walletAddress", { key, wasmUrl });
      try {
        return { identifier: await address, identifierKind: IdentifierKind.Ethereum };
      } catch (error) {
        address = undefined;
        throw error;
      }
    },
    signMessage: async (text) => {
      const { channel, wasmUrl } = tools();
      return channel.call("tools.signAsWallet", { key, text, wasmUrl });
    },
  };
}

function keyBytes(hex: unknown): Uint8Array {
  const bytes = typeof hex === "string" && hex.startsWith("0x") ? hexBytes(hex) : undefined;
  if (bytes?.length !== 32) {
    throw invalidArgument("a private key is 0x and 64 hex digits; for an address give what signs for it as the second argument");
  }
  return bytes;
}
