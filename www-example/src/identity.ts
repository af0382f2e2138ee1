/** Who is using the page: a throwaway key kept in localStorage, or a wallet that lives in the browser. */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { createEOASigner, type EOASigner } from "xmtp-web";

interface Wallet {
  request(args: { method: string; params?: unknown[] }): Promise<unknown>;
}

/** What is kept between visits, one per `?user=`. */
export type Remembered = { kind: "throwaway"; privateKey: string } | { kind: "wallet"; address: string };

const query = new URLSearchParams(location.search);
/** Separates several people in one browser profile. */
export const user = query.get("user") ?? "";
/** The node to talk to. */
export const nodeUrl = query.get("node") ?? "http://localhost:5557";

/** Where files go that are too large for a message: an https address that takes `PUT`. */
export const filesUrl = query.get("files") ?? undefined;

const STORAGE_KEY = `xmtp-web-example:identity:${user}`;

export function remembered(): Remembered | undefined {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(identity: Remembered): void {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(identity));
}

export function forget(): void {
  localStorage.removeItem(STORAGE_KEY);
}

export function injectedWallet(): Wallet | undefined {
  return (window as unknown as { ethereum?: Wallet }).ethereum;
}

export function newThrowaway(): Remembered {
  return { kind: "throwaway", privateKey: bytesToHex(secp256k1.utils.randomSecretKey()) };
}

export async function askWallet(): Promise<Remembered> {
  const wallet = injectedWallet();
  if (!wallet) throw new Error("This browser has no wallet extension.");
  const accounts = (await wallet.request({ method: "eth_requestAccounts" })) as string[];
  const address = accounts[0];
  if (!address) throw new Error("The wallet gave no account.");
  return { kind: "wallet", address };
}

export function signerOf(identity: Remembered): EOASigner {
  if (identity.kind === "wallet") {
    return createEOASigner(identity.address, async (text) => {
      const wallet = injectedWallet();
      if (!wallet) throw new Error("the wallet extension is gone");
      const hex = `0x${bytesToHex(utf8ToBytes(text))}`;
      return (await wallet.request({ method: "personal_sign", params: [hex, identity.address] })) as string;
    });
  }
  const key = hexToBytes(identity.privateKey);
  const publicKey = secp256k1.getPublicKey(key, false);
  const address = `0x${bytesToHex(keccak_256(publicKey.slice(1)).slice(-20))}`;
  return createEOASigner(address, (text) => personalSignature(text, key));
}

/** EIP-191: keccak of the prefixed text, signed; r, s and v = 27 or 28. */
function personalSignature(text: string, key: Uint8Array): Uint8Array {
  const message = utf8ToBytes(text);
  const hash = keccak_256(concatBytes(utf8ToBytes(`\x19Ethereum Signed Message:\n${message.length}`), message));
  const signature = secp256k1.sign(hash, key, { prehash: false, format: "recovered" });
  const [recovery, ...rs] = signature;
  return Uint8Array.from([...rs, (recovery as number) + 27]);
}
