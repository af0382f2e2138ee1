import { abortable, withoutSignal } from "./abort.js";
import type { Channel } from "./channel.js";
import type {
  Actions,
  Attachment,
  Intent,
  MultiRemoteAttachment,
  Reaction,
  RemoteAttachment,
  Reply,
  SendableContent,
  TransactionReference,
  WalletSendCalls,
} from "./content-types.js";
import { invalidArgument } from "./errors.js";
import { checkKeys } from "./options.js";
import type { GroupSnapshot } from "./rpc.js";
import type { EncodedContent, RemoveMessageOptions, SendOptions, SendTextOptions } from "./types.js";

/** What can be said in a conversation. Whether a message notifies its receivers is its type's own default. */
export abstract class Sending {
  /** @internal */
  protected readonly channel: Channel;
  /** @internal */
  protected snapshot: GroupSnapshot;

  /** @internal */
  constructor(channel: Channel, snapshot: GroupSnapshot) {
    this.channel = channel;
    this.snapshot = snapshot;
  }

  /** Lower-case hex, 32 characters. */
  get id(): string {
    return this.snapshot.id;
  }

  /** Sends content of any type; answers the message's id. */
  async send(content: EncodedContent, options: SendOptions): Promise<string> {
    checkKeys("send", options, ["shouldPush", "optimistic", "idempotencyKey", "signal"]);
    if (typeof options?.shouldPush !== "boolean") throw invalidArgument("send needs the option shouldPush");
    const args = { groupId: this.id, content, options: withoutSignal(options) };
    return abortable(options.signal, () => this.channel.call("group.send", args));
  }

  sendText(text: string, options?: SendTextOptions): Promise<string> {
    return this.#send("text", text, options);
  }

  sendMarkdown(markdown: string, options?: SendTextOptions): Promise<string> {
    return this.#send("markdown", markdown, options);
  }

  sendReaction(reaction: Reaction, options?: SendTextOptions): Promise<string> {
    return this.#send("reaction", reaction, options);
  }

  /** Tells that everything up to now was seen. Send one when a person looks at a conversation, not one a message. */
  sendReadReceipt(options?: SendTextOptions): Promise<string> {
    return this.#send("readReceipt", {}, options);
  }

  sendReply(reply: Reply, options?: SendTextOptions): Promise<string> {
    return this.#send("reply", reply, options);
  }

  sendAttachment(attachment: Attachment, options?: SendTextOptions): Promise<string> {
    return this.#send("attachment", attachment, options);
  }

  sendRemoteAttachment(attachment: RemoteAttachment, options?: SendTextOptions): Promise<string> {
    return this.#send("remoteAttachment", attachment, options);
  }

  sendMultiRemoteAttachment(attachments: MultiRemoteAttachment, options?: SendTextOptions): Promise<string> {
    return this.#send("multiRemoteAttachment", attachments, options);
  }

  sendTransactionReference(reference: TransactionReference, options?: SendTextOptions): Promise<string> {
    return this.#send("transactionReference", reference, options);
  }

  sendWalletSendCalls(calls: WalletSendCalls, options?: SendTextOptions): Promise<string> {
    return this.#send("walletSendCalls", calls, options);
  }

  sendActions(actions: Actions, options?: SendTextOptions): Promise<string> {
    return this.#send("actions", actions, options);
  }

  sendIntent(intent: Intent, options?: SendTextOptions): Promise<string> {
    return this.#send("intent", intent, options);
  }

  /**
   * Removes a message for everybody (XIP-45): one's own within 24 hours, anybody's as an admin of the group. Clients
   * that do not know how keep showing it. Fails before anything is sent with `message.not_found`,
   * `message.other_conversation`, `message.not_removable`, `message.already_removed`, `message.removal_too_late` or
   * `group.not_permitted`.
   */
  async removeMessage(messageId: string, options: RemoveMessageOptions = {}): Promise<void> {
    checkKeys("removeMessage", options, ["form", "optimistic", "signal"]);
    const args = { groupId: this.id, messageId, options: withoutSignal(options) };
    await abortable(options.signal, () => this.channel.call("group.removeMessage", args));
  }

  async #send<K extends keyof SendableContent>(
    kind: K,
    content: SendableContent[K],
    options: SendTextOptions = {},
  ): Promise<string> {
    checkKeys("send", options, ["optimistic", "idempotencyKey", "signal"]);
    const args = { groupId: this.id, kind, content, options: withoutSignal(options) };
    return abortable(options.signal, () => this.channel.call("group.sendContent", args));
  }
}
