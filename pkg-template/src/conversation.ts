import type { CallOptions } from "./abort.js";
import { invalidArgument } from "./errors.js";
import { checkBigints, checkKeys, signalled } from "./options.js";
import { DecodedMessage } from "./message.js";
import { Sending } from "./sending.js";
import type { GroupSnapshot, MessageSnapshot } from "./rpc.js";
import { checkDisappearing, type ConversationDebugInfo, type MessageDisappearingSettings } from "./settings.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import {
  SortDirection,
  type ConsentState,
  type GroupMember,
  type GroupMetadata,
  type HmacKeys,
  type LastReadTimes,
  type ListMessagesOptions,
} from "./types.js";

/** A conversation. Getters show what was known at the last call that looked: `sync()` renews them. */
export class Conversation<_ContentTypes = unknown> extends Sending {
  /** The topic of this conversation's messages, by which push servers name it. */
  get topic(): string {
    return `/xmtp/mls/1/g-${this.id}/proto`;
  }

  /** Nanoseconds since the Unix epoch, UTC. */
  get createdAtNs(): bigint {
    return this.snapshot.createdAtNs;
  }

  get createdAt(): Date {
    return new Date(Number(this.createdAtNs / 1_000_000n));
  }

  get addedByInboxId(): string {
    return this.snapshot.addedByInboxId;
  }

  get metadata(): GroupMetadata {
    return this.snapshot.metadata;
  }

  /** Whether this inbox is still a member. */
  async isActive(): Promise<boolean> {
    return (await this.refresh()).isActive;
  }

  /** The version this conversation waits for (XIP-72); undefined when it is not paused. */
  async pausedForVersion(): Promise<string | undefined> {
    return (await this.refresh()).pausedForVersion;
  }

  /** The lowest protocol version that may take part (XIP-72); undefined when there is none. */
  async minimumSupportedProtocolVersion(): Promise<string | undefined> {
    return (await this.refresh()).minimumSupportedProtocolVersion;
  }

  /**
   * Stops this conversation for everybody whose client is older than `version`, until they update (XIP-72). In a
   * group only super admins can. It cannot be lowered again. Default: the version of this client,
   * `client.libxmtpVersion`.
   */
  async setMinimumSupportedProtocolVersion(version?: string, options: CallOptions = {}): Promise<void> {
    if (version !== undefined && typeof version !== "string") throw invalidArgument("the version must be a string");
    const begin = (): Promise<GroupSnapshot> => this.channel.call("group.setMinimumVersion", { groupId: this.id, version });
    await this.change("setMinimumSupportedProtocolVersion", options, begin);
  }

  /** Undefined when they were never set. Both 0n after {@link removeMessageDisappearingSettings}. */
  async messageDisappearingSettings(): Promise<MessageDisappearingSettings | undefined> {
    return (await this.refresh()).messageDisappearingSettings;
  }

  /** Messages stored from now on are deleted `inNs` nanoseconds later, by every member's client. */
  async updateMessageDisappearingSettings(fromNs: bigint, inNs: bigint, options: CallOptions = {}): Promise<void> {
    const settings = { fromNs, inNs };
    checkDisappearing(settings);
    const begin = (): Promise<GroupSnapshot> => this.channel.call("group.updateDisappearing", { groupId: this.id, settings });
    await this.change("updateMessageDisappearingSettings", options, begin);
  }

  /** Messages stored from now on stay. Those that were to disappear still do. */
  removeMessageDisappearingSettings(options?: CallOptions): Promise<void> {
    return this.updateMessageDisappearingSettings(0n, 0n, options);
  }

  async isMessageDisappearingEnabled(): Promise<boolean> {
    const settings = await this.messageDisappearingSettings();
    return settings !== undefined && settings.fromNs > 0n && settings.inNs > 0n;
  }

  async debugInfo(options: CallOptions = {}): Promise<ConversationDebugInfo> {
    return signalled("debugInfo", options, () => this.channel.call("group.debugInfo", { groupId: this.id }));
  }

  async members(): Promise<GroupMember[]> {
    return this.channel.call("group.members", { groupId: this.id });
  }

  /** Fetches and applies what is new; sends what could not be sent before. */
  async sync(options: CallOptions = {}): Promise<void> {
    await this.change("sync", options, () => this.channel.call("group.sync", { groupId: this.id }));
  }

  /** Sends the messages that were stored with `optimistic`. */
  async publishMessages(options: CallOptions = {}): Promise<void> {
    await signalled("publishMessages", options, () => this.channel.call("group.publishMessages", { groupId: this.id }));
  }

  /**
   * Messages of the local database with their reactions and replies, oldest first unless `direction` says otherwise.
   * Reactions, read receipts and removals are no lines of their own; `countMessages` counts neither.
   */
  async messages(options: ListMessagesOptions = {}): Promise<DecodedMessage[]> {
    checkMessageOptions(options);
    const found = await this.channel.call("group.messages", { groupId: this.id, options });
    return found.map((message) => new DecodedMessage(message, this.channel.codecs));
  }

  /** The name of {@link Conversation.messages} in the group-chat specification. */
  findMessages(options: ListMessagesOptions = {}): Promise<DecodedMessage[]> {
    return this.messages(options);
  }

  async countMessages(options: Omit<ListMessagesOptions, "limit" | "direction"> = {}): Promise<bigint> {
    checkMessageOptions(options);
    return this.channel.call("group.countMessages", { groupId: this.id, options });
  }

  async lastMessage(): Promise<DecodedMessage | undefined> {
    return (await this.messages({ limit: 1n, direction: SortDirection.Descending }))[0];
  }

  /** Queues a message that has failed again and sends it. Its id stays. */
  async resendMessage(messageId: string, options: CallOptions = {}): Promise<void> {
    await signalled("resendMessage", options, () => this.channel.call("group.resend", { groupId: this.id, messageId }));
  }

  /** Deletes a message that has failed. */
  async discardMessage(messageId: string): Promise<void> {
    await this.channel.call("group.discard", { groupId: this.id, messageId });
  }

  /** Up to when each inbox has read. Who never sent a read receipt is not in it. */
  lastReadTimes(): Promise<LastReadTimes> {
    return this.channel.call("group.lastReadTimes", { groupId: this.id });
  }

  /** For a push server: the keys of this conversation, of each group of a direct message. */
  hmacKeys(): Promise<HmacKeys> {
    return this.channel.call("group.hmacKeys", { groupId: this.id });
  }

  /**
   * Processes the envelope of a push notification (protobuf `xmtp.mls.api.v1.GroupMessage`) and gives what was
   * stored of it. What came before it is fetched first, so this needs the node unless the envelope was read already.
   */
  async processStreamedMessage(envelopeBytes: Uint8Array, options: CallOptions = {}): Promise<DecodedMessage[]> {
    if (!(envelopeBytes instanceof Uint8Array)) throw invalidArgument("the envelope must be a Uint8Array");
    const args = { groupId: this.id, envelope: envelopeBytes };
    const begin = (): Promise<MessageSnapshot[]> => this.channel.call("group.processStreamedMessage", args);
    const stored = await signalled("processStreamedMessage", options, begin);
    return stored.map((message) => new DecodedMessage(message, this.channel.codecs));
  }

  /** What was decided about this conversation. */
  async consentState(): Promise<ConsentState> {
    return this.channel.call("group.consentState", { groupId: this.id });
  }

  /** Decides about this conversation. The other installations of this inbox are told. */
  async updateConsentState(state: ConsentState, options: CallOptions = {}): Promise<void> {
    const begin = (): Promise<void> => this.channel.call("group.updateConsentState", { groupId: this.id, state });
    await signalled("updateConsentState", options, begin);
  }

  /** Messages of this conversation from now on. */
  stream(options?: StreamOptions<DecodedMessage>): Promise<AsyncStreamProxy<DecodedMessage>> {
    return openStream(
      this.channel,
      { type: "messages", groupId: this.id },
      (value) => new DecodedMessage(value as MessageSnapshot, this.channel.codecs),
      options,
    );
  }

  /** Changes the conversation and shows what came of it. @internal */
  protected async change(where: string, options: CallOptions, begin: () => Promise<GroupSnapshot>): Promise<void> {
    this.snapshot = await signalled(where, options, begin);
  }

  /** @internal */
  protected async refresh(): Promise<GroupSnapshot> {
    this.snapshot = await this.channel.call("group.snapshot", { groupId: this.id });
    return this.snapshot;
  }
}

function checkMessageOptions(options: ListMessagesOptions): void {
  checkKeys("messages", options, [
    "sentBeforeNs", "sentAfterNs", "insertedBeforeNs", "insertedAfterNs", "limit",
    "deliveryStatus", "direction", "kind", "excludeSenderInboxIds", "contentTypes", "excludeContentTypes", "sortBy",
    "removed",
  ]);
  checkBigints(options, ["sentBeforeNs", "sentAfterNs", "insertedBeforeNs", "insertedAfterNs", "limit"]);
}
