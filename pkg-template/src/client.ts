import { abortable, abortedBy, checkSignal, throwIfAborted, type CallOptions } from "./abort.js";
import { Accounts, checkInstallationIds, type SignatureRequestText } from "./accounts.js";
import {
  archiveContents,
  archiveMetadata,
  availableArchives,
  checkArchive,
  checkArchiveKey,
  checkPin,
  checkServerUrl,
  type ArchiveMetadata,
  type ArchiveOptions,
  type AvailableArchiveInfo,
} from "./archives.js";
import { Channel } from "./channel.js";
import type { ContentCodec } from "./codecs.js";
import { logConnection } from "./connection-log.js";
import { Conversations } from "./conversations.js";
import * as directory from "./directory.js";
import { diagnose, type Diagnostics } from "./diagnostics.js";
import { asyncDispose } from "./dispose.js";
import { invalidArgument, XmtpError } from "./errors.js";
import type { ClientEventName, ClientEvents, ListenerOptions, TabRole } from "./events.js";
import { watchLife } from "./life.js";
import { Log } from "./logging.js";
import { forgetMarks, markedInstallation, markInstallation, unmarkInstallation } from "./marker.js";
import { watchNetwork, type ConnectionState } from "./network.js";
import { checkDatabaseKey, checkKeys, resolveOptions, signalled, type ResolvedOptions } from "./options.js";
import { Preferences } from "./preferences.js";
import { untilVisible } from "./registration.js";
import type { ArchiveSummary, ClientState, OpenArgs, StreamValue } from "./rpc.js";
import { DebugInformation } from "./statistics.js";
import { askToKeep, storageInfo, type StorageInfo } from "./storage.js";
import { askSigner, checkIdentifier, checkIdentifiers, signText, type SafeSigner, type Signer } from "./signers.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import { remember, tools } from "./tools.js";
import {
  LogLevel,
  type ClientOptions,
  type GroupSyncSummary,
  type Identifier,
  type InboxState,
  type KeyPackageStatus,
  type XmtpEnv,
} from "./types.js";
import { PACKAGE_VERSION } from "./version.js";
import { refusedStorage } from "./worker-refused.js";

function openArgs(options: ResolvedOptions, identifier: Identifier): OpenArgs {
  const { apiUrl, env, nonce, appVersion, dbPath, dbEncryptionKey, disableDeviceSync, wasmUrl } = options;
  return { apiUrl, env, identifier, nonce, appVersion, dbPath, dbEncryptionKey, disableDeviceSync, wasmUrl };
}

/** One installation of one inbox: a database in this browser, a worker that owns it, and a node to talk to. */
export class Client<_ContentTypes = unknown> {
  readonly conversations: Conversations;
  readonly preferences: Preferences;
  readonly debugInformation: DebugInformation;
  readonly #accounts: Accounts;
  readonly #channel: Channel;
  readonly #options: ResolvedOptions;
  readonly #identifier: Identifier;
  readonly #signer: Signer | undefined;
  readonly #stopWatching: () => void;
  readonly #persistence: Promise<StorageInfo["persistence"]>;
  #state: ClientState;

  private constructor(
    channel: Channel,
    options: ResolvedOptions,
    identifier: Identifier,
    signer: Signer | undefined,
    state: ClientState,
    stopWatchingLife: () => void,
  ) {
    this.#channel = channel;
    const stops = [watchNetwork(channel), stopWatchingLife];
    this.#stopWatching = () => stops.forEach((stop) => stop());
    // Also of a client that ends by itself, which nobody needs to close.
    channel.events.on("ended", this.#stopWatching);
    this.#options = options;
    this.#identifier = identifier;
    this.#signer = signer;
    this.#state = state;
    this.#persistence = options.dbPath === null ? Promise.resolve("unknown") : askToKeep();
    this.conversations = new Conversations(channel, state.installationId);
    this.preferences = new Preferences(channel, state.inboxId);
    this.debugInformation = new DebugInformation(channel);
    this.#accounts = new Accounts(channel, signer);
  }

  /**
   * Opens or makes the installation of a wallet in this browser and registers it unless it is. The signer is
   * asked for a signature only when there is something to register. The type parameter is that of the package this one
   * follows, and of no meaning.
   */
  static async create<_ContentCodecs extends readonly ContentCodec[] = []>(signer: Signer, options?: ClientOptions): Promise<Client> {
    const resolved = resolveOptions(options);
    return abortable(resolved.signal, () => Client.#create(signer, resolved));
  }

  static async #create(signer: Signer, options: ResolvedOptions): Promise<Client> {
    // A signer that holds its key asks the module, too.
    remember(options.workerUrl, options.wasmUrl);
    const identifier = checkIdentifier(await askSigner("to name its identifier", () => signer.getIdentifier()));
    const client = await Client.#open(options, identifier, signer);
    // The caller gets no client to close, so the database must not stay locked.
    const giveUp = (): void => void client.close().catch(() => undefined);
    options.signal?.addEventListener("abort", giveUp, { once: true });
    try {
      if (!options.disableAutoRegister) await client.register({ signal: options.signal });
      return client;
    } catch (error) {
      await client.close().catch(() => undefined);
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Opens an installation that was registered before, without a signer. */
  static async build<_ContentCodecs extends readonly ContentCodec[] = []>(identifier: Identifier, options?: ClientOptions): Promise<Client> {
    const resolved = resolveOptions(options);
    return abortable(resolved.signal, () => Client.#open(resolved, checkIdentifier(identifier), undefined));
  }

  static async #open(options: ResolvedOptions, identifier: Identifier, signer: Signer | undefined): Promise<Client> {
    const { signal } = options;
    if (signal?.aborted === true) throw abortedBy(signal);
    const channel = Client.#channelFor(options);
    // A page that is left while its database is being opened must not take it along.
    const stopWatching = watchLife(channel);
    const giveUp = (): void => channel.terminate();
    signal?.addEventListener("abort", giveUp, { once: true });
    remember(options.workerUrl, options.wasmUrl);
    try {
      const args = openArgs(options, identifier);
      const state = await channel.call("client.open", { ...args, madeHere: await markedInstallation(args) });
      channel.log?.info("open", { env: options.env, version: PACKAGE_VERSION, isRegistered: state.isRegistered });
      if (state.isRegistered) await markInstallation(args, state.installationId);
      return new Client(channel, options, identifier, signer, state, stopWatching);
    } catch (error) {
      stopWatching();
      channel.terminate();
      throw refusedStorage(error, options.dbPath);
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  static #channelFor({ workerUrl, codecs, dbPath, logging }: ResolvedOptions): Channel {
    const log = logging && new Log(logging);
    try {
      const channel = new Channel(workerUrl, codecs, log);
      if (log?.has(LogLevel.Info) === true) logConnection(channel, log);
      return channel;
    } catch (error) {
      throw refusedStorage(error, dbPath);
    }
  }

  /** Lower-case hex, 64 characters. */
  get inboxId(): string {
    return this.#state.inboxId;
  }

  /** Lower-case hex, 64 characters: the public key of this installation. */
  get installationId(): string {
    return this.#state.installationId;
  }

  get installationIdBytes(): Uint8Array {
    return this.#state.installationIdBytes;
  }

  get accountIdentifier(): Identifier {
    return this.#identifier;
  }

  get signer(): Signer | undefined {
    return this.#signer;
  }

  get env(): XmtpEnv {
    return this.#options.env;
  }

  /** What the app gave. */
  get options(): ClientOptions {
    return this.#options.given;
  }

  /** Whether calls are still taken; false after `close()` and after the event `ended`. */
  get isReady(): boolean {
    return !this.#channel.isClosed;
  }

  get appVersion(): string | undefined {
    return this.#options.appVersion;
  }

  /** The libxmtp version whose protocol this build speaks; not this package's version. */
  get libxmtpVersion(): string {
    return this.#state.protocolVersion;
  }

  /** Publishes this installation's identity, asking the signer where needed. Does nothing when that is done. */
  async register(options: CallOptions = {}): Promise<void> {
    await signalled("register", options, () => this.#register(options));
  }

  async #register({ signal }: CallOptions): Promise<void> {
    if (await this.isRegistered()) return;
    const signer = this.#signer;
    const text = await this.#channel.call("client.signatureText");
    if (text !== undefined) {
      if (signer === undefined) {
        throw new XmtpError("identity.not_registered", "registering needs a signer: use Client.create");
      }
      // Nobody is asked to sign what was given up meanwhile.
      throwIfAborted(signal);
      await this.#channel.call("client.addSignature", await signText(signer, text));
    }
    throwIfAborted(signal);
    const { visibilityTimeoutMs } = this.#options;
    this.#state = await untilVisible(visibilityTimeoutMs, signal, () => this.#channel.call("client.register"));
    this.#channel.log?.info("registered");
    await markInstallation(openArgs(this.#options, this.#identifier), this.installationId);
  }

  async isRegistered(): Promise<boolean> {
    return this.#channel.call("client.isRegistered");
  }

  /** Which of these identifiers have an inbox, by the identifier as the network writes it (lower case). */
  async canMessage(identifiers: Identifier[], options: CallOptions = {}): Promise<Map<string, boolean>> {
    const asked = checkIdentifiers(identifiers);
    const begin = (): Promise<boolean[]> => this.#channel.call("client.canMessage", { identifiers: asked });
    const reachable = await signalled("canMessage", options, begin);
    return new Map(asked.map(({ identifier }, index) => [identifier, reachable[index] === true]));
  }

  /** The same without a client. */
  static async canMessage(identifiers: Identifier[], network?: directory.Network): Promise<Map<string, boolean>> {
    return directory.canMessage(identifiers, network);
  }

  /** The inbox an identifier belongs to, asked from the node; undefined when there is none. */
  async fetchInboxIdByIdentifier(identifier: Identifier, options: CallOptions = {}): Promise<string | undefined> {
    const args = { identifier: checkIdentifier(identifier) };
    return signalled("fetchInboxIdByIdentifier", options, () => this.#channel.call("client.inboxIdForIdentifier", args));
  }

  /** Inboxes fetched from the node, in the order of the question, without a client. */
  static async fetchInboxStates(inboxIds: string[], network?: directory.Network): Promise<InboxState[]> {
    return directory.fetchInboxStates(inboxIds, network);
  }

  /** How many updates the identity logs of inboxes have; 0: there is no such inbox. A log takes 256. */
  async fetchLatestInboxUpdatesCount(inboxIds: string[], options: CallOptions = {}): Promise<Map<string, number>> {
    const begin = (): Promise<Map<string, number>> => this.#channel.call("client.updatesCounts", { inboxIds });
    return signalled("fetchLatestInboxUpdatesCount", options, begin);
  }

  /** The same without a client. */
  static async fetchLatestInboxUpdatesCount(inboxIds: string[], network?: directory.Network): Promise<Map<string, number>> {
    return directory.fetchUpdatesCounts(inboxIds, network);
  }

  /** The same of the own inbox. */
  async fetchOwnInboxUpdatesCount(options?: CallOptions): Promise<number> {
    return (await this.fetchLatestInboxUpdatesCount([this.inboxId], options)).get(this.inboxId) ?? 0;
  }

  /**
   * Links the wallet or passkey of a signer to this inbox. `allowInboxReassign` must be true
   * (`identity.inbox_reassign`): a wallet that is linked leaves the inbox it belongs to. One that belongs to an inbox
   * is refused all the same (`identity.account_already_associated`, with its `inboxId`).
   */
  async unsafe_addAccount(newAccountSigner: Signer, allowInboxReassign = false, options?: CallOptions): Promise<void> {
    await this.#accounts.add(newAccountSigner, allowInboxReassign, options);
  }

  /** Unlinks a wallet or passkey, and revokes the installations it added. Signed by the recovery identifier. */
  async removeAccount(identifier: Identifier, options?: CallOptions): Promise<void> {
    await this.#accounts.change({ type: "removeAccount", identifier: checkIdentifier(identifier) }, options);
  }

  /** Revokes installations of this inbox. Signed by the recovery identifier. */
  async revokeInstallations(installationIds: Uint8Array[], options?: CallOptions): Promise<void> {
    const ids = checkInstallationIds(installationIds);
    await this.#accounts.change({ type: "revokeInstallations", installationIds: ids }, options);
  }

  /** The same without a client, for an inbox that has no room for one more installation. */
  static async revokeInstallations(
    signer: Signer,
    inboxId: string,
    installationIds: Uint8Array[],
    network?: directory.Network,
  ): Promise<void> {
    await directory.revokeInstallations(signer, inboxId, installationIds, network);
  }

  /** Revokes all installations but this one. Does nothing, and asks for no signature, when there are none. */
  async revokeAllOtherInstallations(options?: CallOptions): Promise<void> {
    await this.#accounts.change({ type: "revokeAllOtherInstallations" }, options);
  }

  /** Hands the right to revoke to another identifier. Signed by the recovery identifier so far. */
  async changeRecoveryIdentifier(identifier: Identifier, options?: CallOptions): Promise<void> {
    await this.#accounts.change({ type: "changeRecoveryIdentifier", identifier: checkIdentifier(identifier) }, options);
  }

  /**
   * The `unsafe_…SignatureText` methods are step one of signing by hand: sign the text, then
   * {@link unsafe_applySignatureRequest}. This one is of the registration; without a text there is nothing to sign.
   */
  async unsafe_createInboxSignatureText(): Promise<{ signatureText?: string; signatureRequestId?: string }> {
    const { signatureText, signatureRequestId } = await this.#accounts.request({ type: "createInbox" });
    return signatureText === undefined ? {} : { signatureText, signatureRequestId };
  }

  /** To be signed by the new account. Whether it belongs to an inbox is not looked at. */
  async unsafe_addAccountSignatureText(
    newIdentifier: Identifier,
    allowInboxReassign = false,
  ): Promise<SignatureRequestText> {
    return this.#accounts.addText(newIdentifier, allowInboxReassign);
  }

  async unsafe_removeAccountSignatureText(identifier: Identifier): Promise<SignatureRequestText> {
    return this.#accounts.requestText({ type: "removeAccount", identifier: checkIdentifier(identifier) });
  }

  /** Without a text there are no others. */
  async unsafe_revokeAllOtherInstallationsSignatureText(): Promise<{
    signatureText: string | undefined;
    signatureRequestId: string;
  }> {
    return this.#accounts.request({ type: "revokeAllOtherInstallations" });
  }

  async unsafe_revokeInstallationsSignatureText(installationIds: Uint8Array[]): Promise<SignatureRequestText> {
    return this.#accounts.requestText({
      type: "revokeInstallations",
      installationIds: checkInstallationIds(installationIds),
    });
  }

  async unsafe_changeRecoveryIdentifierSignatureText(identifier: Identifier): Promise<SignatureRequestText> {
    return this.#accounts.requestText({ type: "changeRecoveryIdentifier", identifier: checkIdentifier(identifier) });
  }

  /** Step two: adds the signature (see `toSafeSigner`) and publishes. What failed can be applied again. */
  async unsafe_applySignatureRequest(signer: SafeSigner, signatureRequestId: string, options?: CallOptions): Promise<void> {
    await this.#accounts.apply(signer, signatureRequestId, options);
  }

  /** Signs a text with this installation's key, for the app: 64 bytes that prove nothing to the network. */
  signWithInstallationKey(signatureText: string): Promise<Uint8Array> {
    return this.#channel.call("client.signWithInstallationKey", { text: signatureText });
  }

  /** Whether {@link signWithInstallationKey} of this installation made a signature of this text. */
  verifySignedWithInstallationKey(signatureText: string, signatureBytes: Uint8Array): Promise<boolean> {
    return this.verifySignedWithPublicKey(signatureText, signatureBytes, this.installationIdBytes);
  }

  /** The same of any installation, by its key (`installationIdBytes`). */
  verifySignedWithPublicKey(
    signatureText: string,
    signatureBytes: Uint8Array,
    publicKey: Uint8Array,
  ): Promise<boolean> {
    return this.#channel.call("client.verifySignature", { text: signatureText, signature: signatureBytes, publicKey });
  }

  /** What the node gives out of installations: until when, and why it cannot be used. */
  async fetchKeyPackageStatuses(installationIds: string[], options: CallOptions = {}): Promise<Map<string, KeyPackageStatus>> {
    const begin = (): Promise<Map<string, KeyPackageStatus>> => this.#channel.call("client.keyPackageStatuses", { installationIds });
    return signalled("fetchKeyPackageStatuses", options, begin);
  }

  /**
   * Puts what this installation knows into one file, encrypted with `key` (32 bytes): by default decisions,
   * conversations and messages. Released clients of other makers read it, and this one reads theirs.
   */
  async createArchive(key: Uint8Array, opts?: ArchiveOptions): Promise<Uint8Array> {
    const args = { key: checkArchiveKey(key), ...archiveContents(opts) };
    return abortable(opts?.signal, () => this.#channel.call("client.createArchive", args));
  }

  /**
   * Takes an archive in, all of it or nothing: later decisions, and messages that are not known. Conversations that
   * this installation is not in are shown as inactive ones, until a member adds it.
   */
  async importArchive(data: Uint8Array, key: Uint8Array, options: CallOptions = {}): Promise<void> {
    const args = { data: checkArchive(data), key: checkArchiveKey(key) };
    await signalled("importArchive", options, () => this.#channel.call("client.importArchive", args));
  }

  /** What an archive says of itself. */
  async archiveMetadata(data: Uint8Array, key: Uint8Array, options: CallOptions = {}): Promise<ArchiveMetadata> {
    const args = { data: checkArchive(data), key: checkArchiveKey(key) };
    const begin = (): Promise<ArchiveSummary> => this.#channel.call("client.archiveMetadata", args);
    return archiveMetadata(await signalled("archiveMetadata", options, begin));
  }

  /**
   * Asks the other installations of this inbox for what was said before this one came. Those that are online put an
   * archive on the server, this one fetches it, and what it brings appears by itself. The server sees an encrypted file.
   * Resolves when it was asked; `archive.no_other_installation` if there is nobody to ask.
   */
  async sendSyncRequest(options?: ArchiveOptions, serverUrl?: string): Promise<void> {
    const args = { ...archiveContents(options), serverUrl: checkServerUrl(serverUrl, this.#options.historySyncUrl) };
    await abortable(options?.signal, () => this.#channel.call("client.sendSyncRequest", args));
  }

  /** Puts an archive on the server without having been asked, and tells the other installations of it under `pin`. */
  async sendSyncArchive(pin: string, options?: ArchiveOptions, serverUrl?: string): Promise<void> {
    const args = { ...archiveContents(options), pin: checkPin(pin), serverUrl: checkServerUrl(serverUrl, this.#options.historySyncUrl) };
    await abortable(options?.signal, () => this.#channel.call("client.sendSyncArchive", args));
  }

  /** Fetches the archive that was told of under `archivePin`, or the newest, and takes it in. */
  async processSyncArchive(archivePin?: string | null, options: CallOptions = {}): Promise<void> {
    const pin = archivePin === undefined || archivePin === null ? undefined : checkPin(archivePin);
    await signalled("processSyncArchive", options, () => this.#channel.call("client.processSyncArchive", { pin }));
  }

  /**
   * The archives that installations of this inbox told of in the last days, the newest first. `syncAllDeviceSyncGroups`
   * reads what they told.
   */
  async listAvailableArchives(daysCutoff: number): Promise<AvailableArchiveInfo[]> {
    return availableArchives(await this.#channel.call("client.availableArchives", { days: daysCutoff }));
  }

  /** Reads and publishes everything that the installations of this inbox tell each other, and hands over the history they asked for. */
  syncAllDeviceSyncGroups(options?: CallOptions): Promise<GroupSyncSummary> {
    return this.preferences.sync(options);
  }

  /**
   * How the streams of this client are connected to the node: `idle` while none is open, `connecting`, `connected` once
   * everything up to now was read, `reconnecting` after the connection was lost.
   */
  connectionState(): Promise<ConnectionState> {
    return this.#channel.call("client.connectionState");
  }

  /** Each change of {@link connectionState}, beginning with the state there is. Connects, as every stream does. */
  streamConnectionState(options?: StreamOptions<ConnectionState>): Promise<AsyncStreamProxy<ConnectionState>> {
    const read = (value: StreamValue): ConnectionState | undefined =>
      "connection" in value ? value.connection : undefined;
    return openStream(this.#channel, { type: "connection" }, read, options);
  }

  /**
   * Encrypts the database with another key: the app's own (32 random bytes, which every opening must pass from then on),
   * or without one a new key that is kept in this browser. A crash on the way leaves it with the one or the other.
   */
  async rekey(options: { dbEncryptionKey?: Uint8Array } = {}): Promise<void> {
    checkKeys("rekey", options, ["dbEncryptionKey"]);
    const { dbEncryptionKey } = options;
    checkDatabaseKey(dbEncryptionKey);
    await this.#channel.call("client.rekey", { dbEncryptionKey });
  }

  /** Where the database lies, whether the browser keeps it, and how much room there is. */
  storageInfo(): Promise<StorageInfo> {
    return storageInfo(this.#options.dbPath === null ? "memory" : "opfs", this.#persistence);
  }

  /**
   * Closes the client and deletes its database: all files, and the key that was kept. Clients of other tabs end with
   * `storage.deleted`. The network still has the installation: revoke it first if it will not be used again.
   */
  async deleteLocalDatabase(): Promise<void> {
    const remark = await unmarkInstallation(openArgs(this.#options, this.#identifier), this.installationId);
    try {
      await this.#channel.call("client.deleteDatabase");
    } catch (error) {
      remark();
      throw error;
    }
    this.#channel.terminate();
  }

  /**
   * The same without a client, for a database that is open nowhere: the way on from `storage.key_lost` and
   * `storage.evicted`. Does nothing where there is none. Takes the options the client was made with.
   */
  static async deleteLocalDatabase(identifier: Identifier, options?: ClientOptions): Promise<void> {
    const resolved = resolveOptions(options);
    const args = openArgs(resolved, checkIdentifier(identifier));
    remember(resolved.workerUrl, resolved.wasmUrl);
    const remark = await unmarkInstallation(args);
    try {
      const { installationId } = await tools().channel.call("tools.deleteDatabase", args);
      if (installationId !== undefined) await forgetMarks({ installationId });
    } catch (error) {
      remark();
      throw error;
    }
  }

  /**
   * Calls a listener at each event of a kind; answers how to stop that.
   *
   * ```ts
   * client.on("ended", ({ error }) => {
   *   if (error?.code === "tabs.newer_version") location.reload();
   * });
   * ```
   */
  on<K extends ClientEventName>(event: K, listener: (event: ClientEvents[K]) => void, options: ListenerOptions = {}): () => void {
    if (event !== "ended" && event !== "revoked" && event !== "role") throw invalidArgument(`there is no event "${String(event)}"`);
    if (typeof listener !== "function") throw invalidArgument("a listener must be a function");
    checkSignal(options.signal);
    if (options.signal?.aborted === true) return () => undefined;
    const forget = this.#channel.events.on(event, listener);
    const stop = (): void => {
      forget();
      options.signal?.removeEventListener("abort", stop);
    };
    options.signal?.addEventListener("abort", stop, { once: true });
    return stop;
  }

  /** What this tab is among those that have the same account open. */
  get tabRole(): TabRole {
    return this.#channel.role;
  }

  /**
   * The state of this client for a bug report: no keys, no texts, no whole ids. Answers within a few seconds whatever the state
   * is, also after the client has ended.
   */
  diagnostics(): Promise<Diagnostics> {
    return diagnose(this.#channel, this.#options, this.#state);
  }

  /** As {@link close}: for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Closes the database and ends the worker. Calls still under way are rejected with `client.closed`. */
  close(): Promise<void> {
    return this.#channel.close();
  }
}
