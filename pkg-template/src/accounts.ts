/** Changes of the own inbox, asked for on the page, made in the worker and signed in between. */
import { throwIfAborted, type CallOptions } from "./abort.js";
import type { Channel } from "./channel.js";
import { invalidArgument, XmtpError } from "./errors.js";
import { signalled } from "./options.js";
import type { InboxChange } from "./rpc.js";
import { askSigner, checkIdentifier, signText, walletSignature, type SafeSigner, type Signer } from "./signers.js";
import type { Identifier } from "./types.js";

/** What to sign, and by which id to hand the signature in. */
export interface SignatureRequestText {
  signatureText: string;
  signatureRequestId: string;
}

/** @internal */
export class Accounts {
  readonly #channel: Channel;
  readonly #signer: Signer | undefined;

  constructor(channel: Channel, signer: Signer | undefined) {
    this.#channel = channel;
    this.#signer = signer;
  }

  /** Step one of signing by hand; undefined text: there is nothing to change. */
  async request(change: InboxChange): Promise<{ signatureText: string | undefined; signatureRequestId: string }> {
    const signatureRequestId = crypto.randomUUID();
    const signatureText = await this.#channel.call("client.signatureRequest", { requestId: signatureRequestId, change });
    return { signatureText, signatureRequestId };
  }

  /** The same for changes that always are some. */
  async requestText(change: InboxChange): Promise<SignatureRequestText> {
    const { signatureText, signatureRequestId } = await this.request(change);
    if (signatureText === undefined) throw new XmtpError("internal", "a change without a text to sign");
    return { signatureText, signatureRequestId };
  }

  /** Step two. */
  async apply(signer: SafeSigner, requestId: string, options: CallOptions = {}): Promise<void> {
    const args = { requestId, signature: walletSignature(signer) };
    await signalled("unsafe_applySignatureRequest", options, () => this.#channel.call("client.applySignatureRequest", args));
  }

  /** Both, with the client's own signer or another. Does nothing where there is nothing to change. */
  async change(change: InboxChange, options: CallOptions = {}, by?: Signer): Promise<void> {
    await signalled(change.type, options, () => this.#change(change, options, by));
  }

  async #change(change: InboxChange, { signal }: CallOptions, by: Signer | undefined): Promise<void> {
    const signer = by ?? this.#signer;
    if (signer === undefined) {
      throw new XmtpError("identity.signer_refused", "this needs a signer: use Client.create, or the unsafe_ methods");
    }
    const { signatureText, signatureRequestId: requestId } = await this.request(change);
    if (signatureText === undefined) return;
    // Nobody is asked to sign what was given up meanwhile, and what was signed is not sent.
    throwIfAborted(signal);
    const signature = await signText(signer, signatureText);
    throwIfAborted(signal);
    await this.#channel.call("client.applySignatureRequest", { requestId, signature });
  }

  /** Links the wallet of a signer, unless it belongs to an inbox. */
  async add(signer: Signer, allowInboxReassign: boolean, options: CallOptions = {}): Promise<void> {
    await signalled("unsafe_addAccount", options, () => this.#add(signer, allowInboxReassign, options));
  }

  async #add(signer: Signer, allowInboxReassign: boolean, options: CallOptions): Promise<void> {
    if (this.#signer === undefined) {
      throw new XmtpError("identity.signer_refused", "this needs a signer: use Client.create, or the unsafe_ methods");
    }
    checkReassign(allowInboxReassign);
    const identifier = checkIdentifier(await askSigner("to name its identifier", () => signer.getIdentifier()));
    const inboxId = await this.#channel.call("client.inboxIdForIdentifier", { identifier });
    if (inboxId !== undefined) {
      throw new XmtpError("identity.account_already_associated", `the account belongs to inbox ${inboxId}`, {
        details: { inboxId },
      });
    }
    await this.#change({ type: "addAccount", identifier }, options, signer);
  }

  addText(identifier: Identifier, allowInboxReassign: boolean): Promise<SignatureRequestText> {
    checkReassign(allowInboxReassign);
    return this.requestText({ type: "addAccount", identifier: checkIdentifier(identifier) });
  }
}

function checkReassign(allowed: boolean): void {
  if (allowed !== true) {
    throw new XmtpError(
      "identity.inbox_reassign",
      "a wallet that is linked leaves the inbox it belongs to: pass true as allowInboxReassign to allow that",
    );
  }
}

/** Installation ids as their 32 bytes each. @internal */
export function checkInstallationIds(installationIds: Uint8Array[]): Uint8Array[] {
  if (!Array.isArray(installationIds) || installationIds.length === 0) {
    throw invalidArgument("installationIds must be an array of at least one installation id");
  }
  for (const id of installationIds) {
    if (!(id instanceof Uint8Array && id.length === 32)) throw invalidArgument("an installation id is a Uint8Array of 32 bytes");
  }
  return installationIds;
}
