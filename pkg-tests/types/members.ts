// A fourth program for both packages: members, fields and values that the others do not use.
import {
  ActionStyle,
  Client,
  Conversations,
  GroupPermissionsOptions,
  IdentifierKind,
  Opfs,
  OpfsNotInitializedError,
  StreamFailedError,
  StreamInvalidRetryAttemptsError,
  StreamNotFoundError,
  createEOASigner,
  type Action,
  type Actions,
  type ApiStats,
  type ClientOptions,
  type CreateGroupOptions,
  type DecodedMessage,
  type Group,
  type GroupUpdated,
  type Identifier,
  type IdentityStats,
  type Inbox,
  type InboxState,
  type KeyPackageStatus,
  type LeaveRequest,
  type Signer,
  type TransactionReference,
  type UserPreferenceUpdate,
  type WalletCall,
  type WalletSendCalls,
} from "sdk";

export async function files(): Promise<void> {
  const opfs: Opfs = await Opfs.create(false);
  const names: string[] = await opfs.listFiles();
  const numbers: number[] = [await opfs.fileCount(), await opfs.poolCapacity()];
  const is: boolean[] = [await opfs.fileExists("a.db3"), await opfs.deleteFile("a.db3")];
  const bytes: Uint8Array = await opfs.exportDb("a.db3");
  await opfs.importDb("b.db3", bytes);
  await opfs.clearAll();
  opfs.close();
  void [names, numbers, is];
}

/** Of a key, or of a new one. */
export const signers: Signer[] = [createEOASigner("0x0101010101010101010101010101010101010101010101010101010101010101"), createEOASigner()];

export async function statistics(client: Client): Promise<void> {
  const { debugInformation } = client;
  const calls: ApiStats = await debugInformation.apiStatistics();
  const counts: bigint[] = [
    calls.uploadKeyPackage, calls.fetchKeyPackage, calls.sendGroupMessages, calls.sendWelcomeMessages,
    calls.queryGroupMessages, calls.queryWelcomeMessages, calls.subscribeMessages, calls.subscribeWelcomes,
  ];
  const identity: IdentityStats = await debugInformation.apiIdentityStatistics();
  counts.push(identity.publishIdentityUpdate, identity.getIdentityUpdatesV2, identity.getInboxIds, identity.verifySmartContractWalletSignature);
  const text: string = await debugInformation.apiAggregateStatistics();
  await debugInformation.clearAllStatistics();
  void [counts, text];
}

export function caught(error: unknown): string {
  if (error instanceof OpfsNotInitializedError) return error.message;
  if (error instanceof StreamFailedError) return error.message;
  if (error instanceof StreamInvalidRetryAttemptsError) return error.message;
  if (error instanceof StreamNotFoundError) return error.message;
  return String(error);
}

export async function shapes(client: Client, group: Group, message: DecodedMessage): Promise<void> {
  const conversations: Conversations = client.conversations;
  const stored: ClientOptions = { dbEncryptionKey: new Uint8Array(32), dbPath: "work.db3" };
  const options: CreateGroupOptions = { permissions: GroupPermissionsOptions.Default };
  const key: Uint8Array | undefined = client.installationIdBytes;
  const installation: string | undefined = client.installationId;
  const texts: (string | undefined)[] = [group.name, group.imageUrl, group.addedByInboxId, group.metadata?.creatorInboxId];
  const expires: bigint | undefined = message.expiresAtNs;
  const members = await group.members();
  const accounts: Identifier[] | undefined = members[0]?.accountIdentifiers;
  const installations: string[] | undefined = members[0]?.installationIds;
  const passkey: Identifier = { identifier: "02ab", identifierKind: IdentifierKind.Passkey };
  void [conversations, options, stored, key, installation, texts, expires, accounts, installations, passkey];
}

export function read(change: GroupUpdated, inbox: InboxState, status: KeyPackageStatus, leaving: LeaveRequest): unknown[] {
  const inboxes: Inbox[][] = [
    change.addedInboxes, change.removedInboxes, change.leftInboxes, change.addedAdminInboxes, change.removedAdminInboxes,
    change.addedSuperAdminInboxes, change.removedSuperAdminInboxes,
  ];
  const by: string = change.initiatedByInboxId;
  const fields = change.metadataFieldChanges.map(({ fieldName, oldValue, newValue }): (string | undefined)[] => [fieldName, oldValue, newValue]);
  const holders: Identifier[] = [inbox.recoveryIdentifier, ...inbox.accountIdentifiers];
  const from: bigint | undefined = status.lifetime?.notBefore;
  const reason: string | undefined = status.validationError;
  const note: Uint8Array | undefined = leaving.authenticatedNote;
  return [inboxes, by, fields, holders, from, reason, note];
}

/** Bytes in either package: an array of numbers there. */
export function keyBytes(update: UserPreferenceUpdate): Uint8Array | undefined {
  return update.type === "HmacKeyUpdate" ? Uint8Array.from(update.key) : undefined;
}

export async function sending(group: Group): Promise<void> {
  const action: Action = { id: "no", label: "No", imageUrl: "https://example.org/no.png", style: ActionStyle.Danger, expiresAtNs: 1n };
  const actions: Actions = { id: "question", description: "Soup?", actions: [action], expiresAtNs: 2n };
  const call: WalletCall = { to: "0x", data: "0x", value: "0x0", gas: "0x5208", metadata: { description: "Lunch", transactionType: "transfer" } };
  const calls: WalletSendCalls = { version: "1", chainId: "0x1", from: "0x", calls: [call], capabilities: { atomic: "yes" } };
  const transaction: TransactionReference = { namespace: "eip155", networkId: "0x1", reference: "0x" };
  await group.sendActions(actions);
  await group.sendWalletSendCalls(calls);
  await group.sendTransactionReference(transaction);
}
