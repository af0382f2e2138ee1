/** How often a client has asked its node, as `@xmtp/browser-sdk` tells it. */
import type { Channel } from "./channel.js";

/** How often each call about messages was made. A repeated attempt is one more call. */
export interface ApiStats {
  uploadKeyPackage: bigint;
  fetchKeyPackage: bigint;
  sendGroupMessages: bigint;
  sendWelcomeMessages: bigint;
  queryGroupMessages: bigint;
  queryWelcomeMessages: bigint;
  /** How often such a stream was opened. */
  subscribeMessages: bigint;
  /** How often such a stream was opened. */
  subscribeWelcomes: bigint;
}

/** How often each call about inboxes was made. */
export interface IdentityStats {
  publishIdentityUpdate: bigint;
  getIdentityUpdatesV2: bigint;
  getInboxIds: bigint;
  verifySmartContractWalletSignature: bigint;
}

/** The names of the node's calls, where they are not those of the fields. */
const API: Record<keyof ApiStats, string> = {
  uploadKeyPackage: "UploadKeyPackage",
  fetchKeyPackage: "FetchKeyPackages",
  sendGroupMessages: "SendGroupMessages",
  sendWelcomeMessages: "SendWelcomeMessages",
  queryGroupMessages: "QueryGroupMessages",
  queryWelcomeMessages: "QueryWelcomeMessages",
  subscribeMessages: "SubscribeGroupMessages",
  subscribeWelcomes: "SubscribeWelcomeMessages",
};

const IDENTITY: Record<keyof IdentityStats, string> = {
  publishIdentityUpdate: "PublishIdentityUpdate",
  getIdentityUpdatesV2: "GetIdentityUpdates",
  getInboxIds: "GetInboxIds",
  verifySmartContractWalletSignature: "VerifySmartContractWalletSignatures",
};

/**
 * Counts the calls of a client, for whoever looks into its traffic. The tab that has the connection counts, for all tabs of the
 * account, since it began to have it. `client.diagnostics()` tells the state of a client instead.
 */
export class DebugInformation {
  readonly #channel: Channel;

  /** @internal */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async apiStatistics(): Promise<ApiStats> {
    return countsOf(API, await this.#counts());
  }

  async apiIdentityStatistics(): Promise<IdentityStats> {
    return countsOf(IDENTITY, await this.#counts());
  }

  /** Every call that was made, a line each, for people to read. */
  async apiAggregateStatistics(): Promise<string> {
    const counts = await this.#counts();
    const part = (title: string, names: string[]): string[] => [
      `============ ${title} ============`,
      ...names.map((name) => `${name.padEnd(38)} ${counts.get(name) ?? 0n}`),
    ];
    const listed = [...Object.values(API), ...Object.values(IDENTITY)];
    const others = [...counts.keys()].filter((name) => !listed.includes(name)).sort();
    const lines = [...part("Messages", Object.values(API)), ...part("Identity", Object.values(IDENTITY))];
    if (others.length > 0) lines.push(...part("Other", others));
    return lines.join("\n");
  }

  async clearAllStatistics(): Promise<void> {
    await this.#channel.call("client.clearCallCounts");
  }

  #counts(): Promise<ReadonlyMap<string, bigint>> {
    return this.#channel.call("client.callCounts");
  }
}

function countsOf<F extends string>(names: Record<F, string>, counts: ReadonlyMap<string, bigint>): Record<F, bigint> {
  const entries = Object.entries<string>(names).map(([field, name]) => [field, counts.get(name) ?? 0n]);
  return Object.fromEntries(entries) as Record<F, bigint>;
}
