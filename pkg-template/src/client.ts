import { Channel } from "./channel.js";
import { Conversations } from "./conversations.js";
import { XmtpError } from "./errors.js";
import { resolveOptions, type ResolvedOptions } from "./options.js";
import { Preferences } from "./preferences.js";
import type { ClientState } from "./rpc.js";
import { remember } from "./tools.js";
import { addressesOf, askSigner, checkIdentifier, type Signer } from "./signers.js";
import type { ClientOptions, Identifier, XmtpEnv } from "./types.js";

/** One installation of one inbox: a database in this browser, a worker that owns it, and a node to talk to. */
export class Client {
  readonly conversations: Conversations;
  readonly preferences: Preferences;
  readonly #channel: Channel;
  readonly #options: ResolvedOptions;
  readonly #identifier: Identifier;
  readonly #signer: Signer | undefined;
  #state: ClientState;

  private constructor(
    channel: Channel,
    options: ResolvedOptions,
    identifier: Identifier,
    signer: Signer | undefined,
    state: ClientState,
  ) {
    this.#channel = channel;
    this.#options = options;
    this.#identifier = identifier;
    this.#signer = signer;
    this.#state = state;
    this.conversations = new Conversations(channel);
    this.preferences = new Preferences(channel);
  }

  /**
   * Opens or makes the installation of a wallet in this browser and registers it unless it is. The signer is
   * asked for a signature only when there is something to register.
   */
  static async create(signer: Signer, options?: ClientOptions): Promise<Client> {
    const resolved = resolveOptions(options);
    const identifier = checkIdentifier(await askSigner("to name its identifier", () => signer.getIdentifier()));
    const client = await Client.#open(resolved, identifier, signer);
    try {
      if (!resolved.disableAutoRegister) await client.register();
      return client;
    } catch (error) {
      // The caller gets no client to close, so the database must not stay locked.
      await client.close().catch(() => undefined);
      throw error;
    }
  }

  /** Opens an installation that was registered before, without a signer. */
  static async build(identifier: Identifier, options?: ClientOptions): Promise<Client> {
    return Client.#open(resolveOptions(options), checkIdentifier(identifier), undefined);
  }

  static async #open(options: ResolvedOptions, identifier: Identifier, signer: Signer | undefined): Promise<Client> {
    const channel = new Channel(options.workerUrl, options.codecs);
    remember(options.workerUrl, options.wasmUrl);
    const { apiUrl, env, nonce, appVersion, dbPath, dbEncryptionKey, wasmUrl } = options;
    try {
      const args = { apiUrl, env, identifier, nonce, appVersion, dbPath, dbEncryptionKey, wasmUrl };
      const state = await channel.call("client.open", args);
      return new Client(channel, options, identifier, signer, state);
    } catch (error) {
      channel.terminate();
      throw error;
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

  get appVersion(): string | undefined {
    return this.#options.appVersion;
  }

  /** The libxmtp version whose protocol this build speaks; not this package's version. */
  get libxmtpVersion(): string {
    return this.#state.protocolVersion;
  }

  /** Publishes this installation's identity, asking the signer where needed. Does nothing when that is done. */
  async register(): Promise<void> {
    if (await this.isRegistered()) return;
    const signer = this.#signer;
    const text = await this.#channel.call("client.signatureText");
    if (text !== undefined) {
      if (signer === undefined) {
        throw new XmtpError("identity.not_registered", "registering needs a signer: use Client.create");
      }
      await this.#channel.call("client.addSignature", await this.#sign(signer, text));
    }
    this.#state = await this.#channel.call("client.register");
  }

  async isRegistered(): Promise<boolean> {
    return this.#channel.call("client.isRegistered");
  }

  /** Which of these identifiers have an inbox, by the identifier as the network writes it (lower case). */
  async canMessage(identifiers: Identifier[]): Promise<Map<string, boolean>> {
    const addresses = addressesOf(identifiers);
    const reachable = await this.#channel.call("client.canMessage", { addresses });
    return new Map(addresses.map((address, index) => [address, reachable[index] === true]));
  }

  /** The inbox an identifier belongs to, asked from the node; undefined when there is none. */
  async fetchInboxIdByIdentifier(identifier: Identifier): Promise<string | undefined> {
    const [address] = addressesOf([identifier]);
    return this.#channel.call("client.inboxIdForAddress", { address: address as string });
  }

  /** Closes the database and ends the worker. Calls still under way are rejected with `client.closed`. */
  close(): Promise<void> {
    return this.#channel.close();
  }

  async #sign(signer: Signer, text: string) {
    const signature = await askSigner("to sign", () => signer.signMessage(text));
    if (!(signature instanceof Uint8Array)) {
      throw new XmtpError("identity.signer_refused", "the signer answered something that is not a Uint8Array");
    }
    if (signer.type === "EOA") return { type: "EOA" as const, signature };
    const chainId = await askSigner("to name its chain", () => signer.getChainId());
    const blockNumber = await askSigner("to name a block", () => signer.getBlockNumber?.());
    return { type: "SCW" as const, address: this.#identifier.identifier, chainId, blockNumber, signature };
  }
}
