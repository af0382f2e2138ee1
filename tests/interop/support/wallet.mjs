// A wallet with a key of its own, made for one test.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** { address, secret, sign(text) }; `secret` is 64 hex digits, and makes the same wallet again. */
export function wallet(secret = hex(secp256k1.utils.randomSecretKey())) {
  const key = Buffer.from(secret, "hex");
  const address = `0x${hex(keccak_256(secp256k1.getPublicKey(key, false).slice(1)).slice(-20))}`;
  return {
    secret,
    address,
    /** An EIP-191 signature: 65 bytes r, s, v in hex. */
    sign(text) {
      const bytes = Buffer.from(text);
      const digest = keccak_256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${bytes.length}`), bytes]));
      // noble writes the recovery bit first.
      const signature = secp256k1.sign(digest, key, { prehash: false, format: "recovered" });
      return hex(signature.slice(1)) + (27 + signature[0]).toString(16);
    },
  };
}
