import type { Channel } from "./channel.js";
import { invalidArgument } from "./errors.js";
import { InboxStates } from "./inboxes.js";
import type { PreferenceChanges } from "./rpc.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import { ConsentEntityType, ConsentState, type Consent, type GroupSyncSummary, type UserPreferenceUpdate } from "./types.js";

/** Whom and what the person lets in, and what is known of inboxes. */
export class Preferences extends InboxStates {
  readonly #channel: Channel;

  /** @internal */
  constructor(channel: Channel, inboxId: string) {
    super(channel, inboxId);
    this.#channel = channel;
  }

  /** Decides about conversations and people, all of it or nothing. The other installations of this inbox are told. */
  async setConsentStates(records: Consent[]): Promise<void> {
    if (!Array.isArray(records)) throw invalidArgument("consent records must be an array");
    await this.#channel.call("preferences.setConsentStates", { records });
  }

  /** What was decided about a conversation or a person; unknown where nothing was. */
  async getConsentState(entityType: ConsentEntityType, entity: string): Promise<ConsentState> {
    return this.#channel.call("preferences.getConsentState", { entityType, entity });
  }

  /** Fetches what the other installations of this inbox decided, and tells them what was decided here. */
  async sync(): Promise<GroupSyncSummary> {
    return this.#channel.call("preferences.sync");
  }

  /** Whether a person was let in. A conversation with them may still have been kept out. */
  async isInboxIdAllowed(inboxId: string): Promise<boolean> {
    return (await this.getConsentState(ConsentEntityType.InboxId, inboxId)) === ConsentState.Allowed;
  }

  /** Whether a person was kept out. */
  async isInboxIdDenied(inboxId: string): Promise<boolean> {
    return (await this.getConsentState(ConsentEntityType.InboxId, inboxId)) === ConsentState.Denied;
  }

  /** What is decided from now on, here or by another installation of this inbox. */
  streamConsent(options?: StreamOptions<Consent[]>): Promise<AsyncStreamProxy<Consent[]>> {
    const convert = (value: object): Consent[] | undefined => {
      const decided = (value as PreferenceChanges).updates.flatMap((update) =>
        update.type === "ConsentUpdate" ? [update.consent] : [],
      );
      return decided.length > 0 ? decided : undefined;
    };
    return openStream(this.#channel, { type: "preferences" }, convert, options);
  }

  /** The same, and each new root key of push notifications. */
  streamPreferences(options?: StreamOptions<UserPreferenceUpdate[]>): Promise<AsyncStreamProxy<UserPreferenceUpdate[]>> {
    const convert = (value: object): UserPreferenceUpdate[] => (value as PreferenceChanges).updates;
    return openStream(this.#channel, { type: "preferences" }, convert, options);
  }
}
