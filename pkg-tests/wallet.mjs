import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** A new wallet: its address, and `personal_sign` as hex. */
export function wallet() {
  const key = secp256k1.utils.randomSecretKey();
  const address = `0x${bytesToHex(keccak_256(secp256k1.getPublicKey(key, false).slice(1)).slice(-20))}`;
  const sign = (text) => {
    const message = utf8ToBytes(text);
    const hash = keccak_256(concatBytes(utf8ToBytes(`\x19Ethereum Signed Message:\n${message.length}`), message));
    const [recovery, ...rs] = secp256k1.sign(hash, key, { prehash: false, format: "recovered" });
    return `0x${bytesToHex(Uint8Array.from([...rs, recovery + 27]))}`;
  };
  return { address, sign };
}
