import { invalidArgument, XmtpError } from "./errors.js";
import { IdentifierKind, type Identifier } from "./types.js";

type Awaitable<T> = T | Promise<T>;

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

export type Signer = EOASigner | SCWSigner;

/** An Ethereum address as an {@link Identifier}, in the lower case the network uses. */
export function ethereumIdentifier(address: string): Identifier {
  return checkIdentifier({ identifier: address, identifierKind: IdentifierKind.Ethereum });
}

/**
 * Makes a signer of an address and something that signs texts for it: a wallet's `personal_sign`, or a key the
 * app holds. The signature may be 65 bytes or their hex form.
 */
export function createEOASigner(
  address: string,
  signMessage: (text: string) => Awaitable<Uint8Array | string>,
): EOASigner {
  const identifier = ethereumIdentifier(address);
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
  const hex = signature.replace(/^0x/i, "");
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex)) throw invalidArgument("the signature is not hex");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Refuses what cannot be an identifier; answers the normal form. @internal */
export function checkIdentifier(value: Identifier): Identifier {
  if (typeof value !== "object" || value === null || typeof value.identifier !== "string") {
    throw invalidArgument("an identifier is an object { identifier, identifierKind }");
  }
  if (value.identifierKind !== IdentifierKind.Ethereum && value.identifierKind !== IdentifierKind.Passkey) {
    throw invalidArgument("identifierKind must be IdentifierKind.Ethereum (0) or IdentifierKind.Passkey (1), not a string");
  }
  if (value.identifierKind === IdentifierKind.Passkey) return value;
  if (!/^0x[0-9a-f]{40}$/i.test(value.identifier)) {
    throw new XmtpError("identity.invalid_address", "an Ethereum address is 0x and 40 hex digits", {
      details: { identifier: value.identifier },
    });
  }
  return { identifier: value.identifier.toLowerCase(), identifierKind: IdentifierKind.Ethereum };
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
