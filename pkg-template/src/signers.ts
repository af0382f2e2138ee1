import { invalidArgument, XmtpError } from "./errors.js";
import { hexBytes } from "./hex.js";
import { keySigner } from "./key-signer.js";
import type { WalletSignature } from "./rpc.js";
import { IdentifierKind, type Identifier, type PasskeySignature } from "./types.js";

/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** A wallet with a private key of its own. */
export interface EOASigner {
  type: "EOA";
  getIdentifier(): Awaitable<Identifier>;
  /** An EIP-191 ("personal") signature over the text: 65 bytes r, s, v. */
  signMessage(text: string): Awaitable<Uint8Array>;
}

/** A smart-contract wallet; the node asks its contract whether the signature holds (ERC-1271, ERC-6492). */
export interface SCWSigner {
  type: "SCW";
  getIdentifier(): Awaitable<Identifier>;
  signMessage(text: string): Awaitable<Uint8Array>;
  getChainId(): Awaitable<bigint>;
  getBlockNumber?(): Awaitable<bigint>;
}

/** A passkey; `signMessage` gives what the authenticator answers to the text as its challenge. */
export interface PasskeySigner {
  type: "Passkey";
  getIdentifier(): Awaitable<Identifier>;
  signMessage(text: string): Awaitable<PasskeySignature>;
}

export type Signer = EOASigner | SCWSigner | PasskeySigner;

/** A signature with everything that has to be known of its signer: plain data. */
export type SafeSigner =
  | { type: "EOA"; identifier: Identifier; signature: Uint8Array }
  | { type: "SCW"; identifier: Identifier; signature: Uint8Array; chainId: bigint; blockNumber?: bigint }
  | { type: "Passkey"; identifier: Identifier; signature: PasskeySignature };

/** Puts a signature that a signer made together with what the signer says of itself. */
export async function toSafeSigner(signer: Signer, signature: Uint8Array | PasskeySignature): Promise<SafeSigner> {
  const identifier = checkIdentifier(await askSigner("to name its identifier", () => signer.getIdentifier()));
  if (signer.type === "Passkey") {
    return { type: "Passkey", identifier, signature: signature as PasskeySignature };
  }
  if (!(signature instanceof Uint8Array)) {
    throw new XmtpError("identity.signer_refused", "the signer answered something that is not a Uint8Array");
  }
  if (signer.type === "EOA") return { type: "EOA", identifier, signature };
  if (signer.type !== "SCW") throw invalidArgument('a signer\'s type is "EOA", "SCW" or "Passkey"');
  const chainId = await askSigner("to name its chain", () => signer.getChainId());
  const blockNumber = await askSigner("to name a block", () => signer.getBlockNumber?.());
  return { type: "SCW", identifier, signature, chainId, ...(blockNumber !== undefined && { blockNumber }) };
}

/** Has a signer sign a text. @internal */
export async function signText(signer: Signer, text: string): Promise<WalletSignature> {
  const signature = await askSigner("to sign", () => signer.signMessage(text));
  return walletSignature(await toSafeSigner(signer, signature));
}

/** The form in which the worker takes a signature. @internal */
export function walletSignature(signer: SafeSigner): WalletSignature {
  if (typeof signer !== "object" || signer === null) throw invalidArgument("a SafeSigner is an object: see toSafeSigner");
  switch (signer.type) {
    case "EOA":
      return { type: "EOA", signature: signer.signature };
    case "Passkey":
      return { type: "Passkey", signature: signer.signature };
    case "SCW":
      return {
        type: "SCW",
        address: signer.identifier.identifier,
        chainId: signer.chainId,
        blockNumber: signer.blockNumber,
        signature: signer.signature,
      };
    default:
      throw invalidArgument('a signer\'s type is "EOA", "SCW" or "Passkey"');
  }
}

/** An Ethereum address as an {@link Identifier}, in the lower case the network uses. */
export function ethereumIdentifier(address: string): Identifier {
  return checkIdentifier({ identifier: address, identifierKind: IdentifierKind.Ethereum });
}

/**
 * Makes a signer of an address and something that signs texts for it: a wallet's `personal_sign`, or a key the
 * app holds. The signature may be 65 bytes or their hex form.
 */
export function createEOASigner(address: string, signMessage: (text: string) => Awaitable<Uint8Array | string>): EOASigner;
/**
 * Makes a signer of a private key (`0x` and 64 hex digits), or without one of a new key, which is lost with the signer. For tests
 * and for trying things out: a key in a page can be read by every script of the page.
 */
export function createEOASigner(key?: `0x${string}`): EOASigner;
export function createEOASigner(
  addressOrKey?: string,
  signMessage?: (text: string) => Awaitable<Uint8Array | string>,
): EOASigner {
  if (signMessage === undefined) return keySigner(addressOrKey);
  const identifier = ethereumIdentifier(addressOrKey as string);
  return {
    type: "EOA",
    getIdentifier: () => identifier,
    signMessage: async (text) => signatureBytes(await signMessage(text)),
  };
}

/** The same for a smart-contract wallet. */
export function createSCWSigner(
  address: string,
  signMessage: (text: string) => Awaitable<Uint8Array | string>,
  chainId: bigint,
): SCWSigner {
  const identifier = ethereumIdentifier(address);
  return {
    type: "SCW",
    getIdentifier: () => identifier,
    signMessage: async (text) => signatureBytes(await signMessage(text)),
    getChainId: () => chainId,
  };
}

function signatureBytes(signature: Uint8Array | string): Uint8Array {
  if (typeof signature !== "string") return signature;
  const bytes = hexBytes(signature);
  if (bytes === undefined) throw invalidArgument("the signature is not hex");
  return bytes;
}

/** Refuses what cannot be an identifier; answers the normal form. @internal */
export function checkIdentifier(value: Identifier): Identifier {
  if (typeof value !== "object" || value === null || typeof value.identifier !== "string") {
    throw invalidArgument("an identifier is an object { identifier, identifierKind }");
  }
  if (value.identifierKind !== IdentifierKind.Ethereum && value.identifierKind !== IdentifierKind.Passkey) {
    throw invalidArgument("identifierKind must be IdentifierKind.Ethereum (0) or IdentifierKind.Passkey (1), not a string");
  }
  if (value.identifierKind === IdentifierKind.Passkey) {
    if (!/^([0-9a-f]{2})+$/i.test(value.identifier)) throw invalidArgument("a passkey is written as the hex of its public key");
    return { identifier: value.identifier.toLowerCase(), identifierKind: IdentifierKind.Passkey };
  }
  if (!/^0x[0-9a-f]{40}$/i.test(value.identifier)) {
    throw new XmtpError("identity.invalid_address", "an Ethereum address is 0x and 40 hex digits", {
      details: { identifier: value.identifier },
    });
  }
  return { identifier: value.identifier.toLowerCase(), identifierKind: IdentifierKind.Ethereum };
}

/** The normal forms of a list of identifiers. @internal */
export function checkIdentifiers(identifiers: Identifier[]): Identifier[] {
  if (!Array.isArray(identifiers)) throw invalidArgument("identifiers must be an array");
  return identifiers.map(checkIdentifier);
}

/** Ethereum addresses of a list of identifiers. @internal */
export function addressesOf(identifiers: Identifier[]): string[] {
  if (!Array.isArray(identifiers)) throw invalidArgument("identifiers must be an array");
  return identifiers.map((each) => {
    const identifier = checkIdentifier(each);
    if (identifier.identifierKind !== IdentifierKind.Ethereum) {
      throw new XmtpError("argument.unsupported", "only Ethereum identifiers can be looked up so far");
    }
    return identifier.identifier;
  });
}

/** Asks a signer; whatever it throws becomes `identity.signer_refused`. @internal */
export async function askSigner<T>(what: string, ask: () => Awaitable<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : typeof cause === "string" ? cause : "no reason given";
    throw new XmtpError("identity.signer_refused", `the signer refused ${what}: ${text}`, { cause });
  }
}
