import type { CallOptions } from "./abort.js";
import type { Channel } from "./channel.js";
import { invalidArgument } from "./errors.js";
import { InboxStates } from "./inboxes.js";
import { signalled } from "./options.js";
import type { PreferenceChanges } from "./rpc.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import {
  ConsentEntityType,
  ConsentState,
  type Consent,
  type ConsentSubject,
  type GroupSyncSummary,
  type UserPreferenceUpdate,
} from "./types.js";

/** Whom and what the person lets in, and what is known of inboxes. */
export class Preferences extends InboxStates {
  readonly #channel: Channel;

  /** @internal */
  constructor(channel: Channel, inboxId: string) {
    super(channel, inboxId);
    this.#channel = channel;
  }

  /**
   * Decides about conversations and people, all of it or nothing. The other installations of this inbox are told, and
   * {@link publishConsentList} writes it to the list of XIP-42.
   */
  async setConsentStates(records: Consent[]): Promise<void> {
    if (!Array.isArray(records)) throw invalidArgument("consent records must be an array");
    await this.#channel.call("preferences.setConsentStates", { records });
  }

  /** Lets conversations and people in. The same as {@link setConsentStates}. */
  allow(subjects: ConsentSubject[]): Promise<void> {
    return this.#decide(subjects, ConsentState.Allowed);
  }

  /** Keeps conversations and people out. The same as {@link setConsentStates}. */
  deny(subjects: ConsentSubject[]): Promise<void> {
    return this.#decide(subjects, ConsentState.Denied);
  }

  async #decide(subjects: ConsentSubject[], state: ConsentState): Promise<void> {
    if (!Array.isArray(subjects)) throw invalidArgument("what is decided about must be an array");
    await this.setConsentStates(subjects.map(({ entityType, entity }) => ({ entityType, entity, state })));
  }

  /**
   * What was decided about a conversation or a person; unknown where nothing was. An address is another name of its inbox,
   * which the node is asked for once.
   */
  async getConsentState(entityType: ConsentEntityType, entity: string): Promise<ConsentState> {
    return this.#channel.call("preferences.getConsentState", { entityType, entity });
  }

  /** Fetches what the other installations of this inbox decided, and tells them what was decided here. */
  async sync(options: CallOptions = {}): Promise<GroupSyncSummary> {
    return signalled("sync", options, () => this.#channel.call("preferences.sync"));
  }

  /** Whether a person was let in. A conversation with them may still have been kept out. */
  async isInboxIdAllowed(inboxId: string): Promise<boolean> {
    return (await this.getConsentState(ConsentEntityType.InboxId, inboxId)) === ConsentState.Allowed;
  }

  /** Whether a person was kept out. */
  async isInboxIdDenied(inboxId: string): Promise<boolean> {
    return (await this.getConsentState(ConsentEntityType.InboxId, inboxId)) === ConsentState.Denied;
  }

  /** Whether the person of a wallet was let in. */
  async isAddressAllowed(address: string): Promise<boolean> {
    return (await this.getConsentState(ConsentEntityType.Address, address)) === ConsentState.Allowed;
  }

  /** Whether the person of a wallet was kept out. */
  async isAddressDenied(address: string): Promise<boolean> {
    return (await this.getConsentState(ConsentEntityType.Address, address)) === ConsentState.Denied;
  }

  /** What is decided from now on, here or by another installation of this inbox. */
  streamConsent(options?: StreamOptions<Consent[]>): Promise<AsyncStreamProxy<Consent[]>> {
    return openStream(this.#channel, { type: "preferences" }, decisions, options);
  }

  /** The same, and each new root key of push notifications. */
  streamPreferences(options?: StreamOptions<UserPreferenceUpdate[]>): Promise<AsyncStreamProxy<UserPreferenceUpdate[]>> {
    const convert = (value: object): UserPreferenceUpdate[] => (value as PreferenceChanges).updates;
    return openStream(this.#channel, { type: "preferences" }, convert, options);
  }

  /**
   * Takes the identity key of the person's V2 key bundle, 32 bytes, which names and encrypts their list of XIP-42. It is kept
   * in the database. Without it the list has a key of this installation's own.
   */
  async setIdentityKey(key: Uint8Array): Promise<void> {
    await this.#channel.call("preferences.setIdentityKey", { key });
  }

  /** The key of the list: a secret, for other installations of this person to share the list. */
  async identityKey(): Promise<Uint8Array> {
    return this.#channel.call("preferences.identityKey");
  }

  /** Everything that is decided, as it is known here. */
  async consentList(): Promise<Consent[]> {
    return this.#channel.call("preferences.consentList");
  }

  /** Reads the list of XIP-42, takes over what is newer than what is known here, and answers {@link consentList}. */
  async refreshConsentList(options: CallOptions = {}): Promise<Consent[]> {
    return signalled("refreshConsentList", options, () => this.#channel.call("preferences.refreshConsentList"));
  }

  /**
   * Writes what was decided here to the list of XIP-42, by its four rules, and answers how many entries. Public nodes refuse
   * it (`preferences.list_closed`); what was decided holds all the same.
   */
  async publishConsentList(options: CallOptions = {}): Promise<number> {
    return signalled("publishConsentList", options, () => this.#channel.call("preferences.publishConsentList"));
  }

  /** Stores what the app decided before it used these preferences. It counts where nothing is known. */
  async importConsent(records: Consent[]): Promise<void> {
    if (!Array.isArray(records)) throw invalidArgument("consent records must be an array");
    await this.#channel.call("preferences.importConsent", { records });
  }

  /**
   * As {@link streamConsent}, and the list of XIP-42 is followed while it is open. Where the node has no such list it ends at once, with
   * `network.not_implemented` or `preferences.list_closed`.
   */
  streamConsentList(options?: StreamOptions<Consent[]>): Promise<AsyncStreamProxy<Consent[]>> {
    return openStream(this.#channel, { type: "consentList" }, decisions, options);
  }
}

/** What was decided, of all that changed; undefined where nothing was. */
function decisions(value: object): Consent[] | undefined {
  const decided = (value as PreferenceChanges).updates.flatMap((update) =>
    update.type === "ConsentUpdate" ? [update.consent] : [],
  );
  return decided.length > 0 ? decided : undefined;
}
