import { checkBigints, checkKeys } from "./options.js";
import { DecodedMessage } from "./message.js";
import { Sending } from "./sending.js";
import type { GroupSnapshot, MessageSnapshot } from "./rpc.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import {
  SortDirection,
  type ConsentState,
  type GroupMember,
  type GroupMetadata,
  type ListMessagesOptions,
} from "./types.js";

/** A conversation. Getters show what was known at the last call that looked: `sync()` renews them. */
export class Conversation extends Sending {
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

  async members(): Promise<GroupMember[]> {
    return this.channel.call("group.members", { groupId: this.id });
  }

  /** Fetches and applies what is new; sends what could not be sent before. */
  async sync(): Promise<void> {
    this.snapshot = await this.channel.call("group.sync", { groupId: this.id });
  }

  /** Sends the messages that were stored with `optimistic`. */
  async publishMessages(): Promise<void> {
    await this.channel.call("group.publishMessages", { groupId: this.id });
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

  async countMessages(options: Omit<ListMessagesOptions, "limit" | "direction"> = {}): Promise<bigint> {
    checkMessageOptions(options);
    return this.channel.call("group.countMessages", { groupId: this.id, options });
  }

  async lastMessage(): Promise<DecodedMessage | undefined> {
    return (await this.messages({ limit: 1n, direction: SortDirection.Descending }))[0];
  }

  /** What was decided about this conversation. */
  async consentState(): Promise<ConsentState> {
    return this.channel.call("group.consentState", { groupId: this.id });
  }

  /** Decides about this conversation. The other installations of this inbox are told. */
  async updateConsentState(state: ConsentState): Promise<void> {
    await this.channel.call("group.updateConsentState", { groupId: this.id, state });
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

  /** @internal */
  protected async refresh(): Promise<GroupSnapshot> {
    this.snapshot = await this.channel.call("group.snapshot", { groupId: this.id });
    return this.snapshot;
  }
}

function checkMessageOptions(options: ListMessagesOptions): void {
  checkKeys("messages", options, [
    "sentBeforeNs", "sentAfterNs", "insertedBeforeNs", "insertedAfterNs", "limit",
    "deliveryStatus", "direction", "kind", "excludeSenderInboxIds", "removed",
  ]);
  checkBigints(options, ["sentBeforeNs", "sentAfterNs", "insertedBeforeNs", "insertedAfterNs", "limit"]);
}
