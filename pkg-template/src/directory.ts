/** What needs no client: inboxes looked up, and installations revoked, through a worker that lives for one call. */
import { abortable } from "./abort.js";
import { checkInstallationIds } from "./accounts.js";
import type { Backend } from "./backend.js";
import { Channel } from "./channel.js";
import { invalidArgument } from "./errors.js";
import { sha256Hex } from "./hash.js";
import { resolveNetwork } from "./options.js";
import { askSigner, checkIdentifier, checkIdentifiers, signText, type Signer } from "./signers.js";
import type { Identifier, InboxState, NetworkOptions, XmtpEnv } from "./types.js";

/** A network by its name, or with what differs from it. */
export type Network = XmtpEnv | NetworkOptions | Backend;

async function withDirectory<T>(network: Network | undefined, use: (channel: Channel) => Promise<T>): Promise<T> {
  const { workerUrl, apiUrl, appVersion, wasmUrl, signal } = resolveNetwork(network);
  return abortable(signal, async () => {
    const channel = new Channel(workerUrl);
    const giveUp = (): void => channel.terminate();
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await channel.call("directory.open", { apiUrl, appVersion, wasmUrl });
      return await use(channel);
    } finally {
      signal?.removeEventListener("abort", giveUp);
      channel.terminate();
    }
  });
}

/** @internal */
export async function canMessage(identifiers: Identifier[], network?: Network): Promise<Map<string, boolean>> {
  const asked = checkIdentifiers(identifiers);
  const found = await withDirectory(network, (channel) => channel.call("directory.inboxIds", { identifiers: asked }));
  return new Map(asked.map(({ identifier }, index) => [identifier, found[index] !== undefined]));
}

/** @internal */
export function fetchInboxStates(inboxIds: string[], network?: Network): Promise<InboxState[]> {
  return withDirectory(network, (channel) => channel.call("directory.inboxStates", { inboxIds }));
}

/** @internal */
export function fetchUpdatesCounts(inboxIds: string[], network?: Network): Promise<Map<string, number>> {
  return withDirectory(network, (channel) => channel.call("directory.updatesCounts", { inboxIds }));
}

/** @internal */
export async function revokeInstallations(
  signer: Signer,
  inboxId: string,
  installationIds: Uint8Array[],
  network?: Network,
): Promise<void> {
  checkInstallationIds(installationIds);
  const recovery = checkIdentifier(await askSigner("to name its identifier", () => signer.getIdentifier()));
  await withDirectory(network, async (channel) => {
    const text = await channel.call("directory.revokeInstallations", { recovery, inboxId, installationIds });
    await channel.call("directory.applyRevocation", { signature: await signText(signer, text) });
  });
}

/** The inbox an identifier belongs to, asked from the node; undefined when there is none. */
export async function getInboxIdForIdentifier(
  network: Network | undefined,
  identifier: Identifier,
): Promise<string | undefined> {
  const identifiers = [checkIdentifier(identifier)];
  const [found] = await withDirectory(network, (channel) => channel.call("directory.inboxIds", { identifiers }));
  return found;
}

/**
 * The id of the inbox that an identifier creates with a nonce (default 1n): the SHA-256 of its text, directly
 * followed by the nonce in decimal, in hex. Whether it has one already is another question: see
 * {@link getInboxIdForIdentifier}.
 */
export async function generateInboxId(identifier: Identifier, nonce: bigint = 1n): Promise<string> {
  if (typeof nonce !== "bigint" || nonce < 0n || nonce >= 1n << 64n) {
    throw invalidArgument("nonce must be a bigint from 0 to 2^64 - 1");
  }
  const { identifier: owner } = checkIdentifier(identifier);
  return sha256Hex(`${owner}${nonce}`);
}
