// The verbs that both kinds of client share: where the two packages offer the same calls, the same lines run. Used by
// peer-program.mjs and, in the browser, by page/person.js.
import { byInbox, changes, fromPlain, member, typeName } from "./plain.mjs";

/** 0, the number: a string is refused by us and makes peers fail later. */
const ETHEREUM = 0;
export const identifiers = (addresses) =>
  addresses.map((address) => ({ identifier: address, identifierKind: ETHEREUM }));

/** Numbers of `ConsentEntityType`. */
const ENTITY = { group: 0, inbox: 1 };

/** What lists show in place of a message that was taken back. */
const DELETED = "xmtp.org/deletedMessage:1.0";
/** Node's package has a text here, the browser's a number. */
const DELETED_BY_SENDER = ["Sender", 0];
const takenBack = ({ deletedBy, adminInboxId }) => (DELETED_BY_SENDER.includes(deletedBy) ? { by: "sender" } : { by: "admin", admin: adminInboxId });

/** `client()` answers the open client; `tell(event)` reports what a stream brings; `sayLater` is what the two call otherwise. */
export function sharedVerbs(client, tell, { sayLater }) {
  const streams = [];
  const find = async (id) => {
    const group = await client().conversations.getConversationById(id);
    if (!group) throw new Error(`no conversation ${id} here`);
    return group;
  };
  /** What one package answers by a getter and another by a call. */
  const valueOf = async (owner, name) => (typeof owner[name] === "function" ? owner[name]() : owner[name]);
  const bytes = (hex) => fromPlain({ hex });
  const message = (found) => {
    const said = Number(found.kind) === 0;
    const type = typeName(found.contentType);
    return {
      id: found.id,
      sender: found.senderInboxId,
      sentAt: String(found.sentAtNs),
      kind: said ? "said" : "changed",
      type,
      conversation: found.conversationId,
      status: found.deliveryStatus,
      fallback: found.fallback ?? undefined,
      text: typeof found.content === "string" ? found.content : undefined,
      changes: !said && found.content ? changes(found.content) : undefined,
      takenBack: type === DELETED ? takenBack(found.content) : undefined,
      expiresAt: found.expiresAtNs === undefined || found.expiresAtNs === null ? undefined : String(found.expiresAtNs),
    };
  };
  return {
    find,
    message,
    verbs: {
      async canMessage(addresses) {
        return client().canMessage(identifiers(addresses));
      },
      async inboxOf(address) {
        return (await client().fetchInboxIdByIdentifier(identifiers([address])[0])) ?? null;
      },
      async createGroup({ addresses, inboxIds, ...options }) {
        const { conversations } = client();
        const given = fromPlain(options);
        const group = addresses
          ? await conversations.createGroupWithIdentifiers(identifiers(addresses), given)
          : await conversations.createGroup(inboxIds, given);
        return group.id;
      },
      async sync() {
        await client().conversations.sync();
      },
      async syncAll() {
        await client().conversations.syncAll();
      },
      async groups() {
        return (await client().conversations.list()).map((group) => group.id).sort();
      },
      async syncGroup(id) {
        await (await find(id)).sync();
      },
      async say(id, text) {
        return (await find(id)).sendText(text);
      },
      /** Several texts in one go: stored first, then published together. */
      async sayMany(id, texts) {
        const group = await find(id);
        for (const text of texts) await sayLater(group, text);
        await group.publishMessages();
      },
      /** Content of any type, as its sender encoded it. */
      async send(id, encoded) {
        return (await find(id)).send(fromPlain(encoded), { shouldPush: true });
      },
      /** Messages with their content as the package decodes it, reactions inside their target. */
      async decoded(id) {
        const shape = (found) => ({
          id: found.id,
          typeId: found.contentType?.typeId,
          content: found.content,
          fallback: found.fallback,
          reactions: found.reactions.map((reaction) => reaction.content),
          numReplies: Number(found.numReplies),
        });
        const found = await (await find(id)).messages();
        // A reply carries the message it answers, whole; the id is enough here.
        return found.map(shape).map((each) =>
          each.content?.referenceId ? { ...each, content: { referenceId: each.content.referenceId, content: each.content.content } } : each,
        );
      },
      /** Inbox id → when it last said that it had read, of those who have. */
      async lastReadTimes(id) {
        return (await find(id)).lastReadTimes();
      },
      async messages(id) {
        return (await (await find(id)).messages()).map(message);
      },
      async members(id) {
        return (await (await find(id)).members()).map(member).sort(byInbox);
      },
      async update(id, field, value) {
        const group = await find(id);
        await group[`update${field[0].toUpperCase()}${field.slice(1)}`](value);
      },
      async role(id, change, inboxId) {
        await (await find(id))[change](inboxId);
      },
      async addAddresses(id, addresses) {
        await (await find(id)).addMembersByIdentifiers(identifiers(addresses));
      },
      async addInboxes(id, inboxIds) {
        await (await find(id)).addMembers(inboxIds);
      },
      async removeAddresses(id, addresses) {
        await (await find(id)).removeMembersByIdentifiers(identifiers(addresses));
      },
      async removeInboxes(id, inboxIds) {
        await (await find(id)).removeMembers(inboxIds);
      },
      async describe(id) {
        const group = await find(id);
        return {
          name: group.name,
          description: group.description,
          imageUrl: group.imageUrl,
          appData: group.appData,
          admins: [...(await group.listAdmins())].sort(),
          superAdmins: [...(await group.listSuperAdmins())].sort(),
          creator: await creator(group),
          active: await valueOf(group, "isActive"),
        };
      },
      async epoch(id) {
        return Number((await (await find(id)).debugInfo()).epoch);
      },
      async createDm({ address, inboxId, ...options }) {
        const { conversations } = client();
        const given = fromPlain(options);
        const dm = address
          ? await conversations.createDmWithIdentifier(identifiers([address])[0], given)
          : await conversations.createDm(inboxId, given);
        return dm.id;
      },
      /** The id of the direct message with an inbox that writing goes to, or null. */
      async dmWith(inboxId) {
        return (await client().conversations.getDmByInboxId(inboxId))?.id ?? null;
      },
      /** Direct messages as lists show them: one for each person. */
      async dms() {
        const dms = await client().conversations.listDms();
        return Promise.all(dms.map(async (dm) => ({ id: dm.id, peer: await valueOf(dm, "peerInboxId") })));
      },
      async duplicateDms(id) {
        return (await (await find(id)).duplicateDms()).map((dm) => dm.id).sort();
      },
      /** entity: an inbox id or a conversation's; kind: "inbox" or "group". Answers a number. */
      async consent(kind, entity) {
        return client().preferences.getConsentState(ENTITY[kind], entity);
      },
      async setConsent(kind, entity, state) {
        await client().preferences.setConsentStates([{ entityType: ENTITY[kind], entity, state }]);
      },
      async consentOf(id) {
        return (await find(id)).consentState();
      },
      async setConsentOf(id, state) {
        await (await find(id)).updateConsentState(state);
      },
      async syncPreferences() {
        await client().preferences.sync();
      },
      /** Everything, over the history server at this address. */
      async askForHistory(serverUrl) {
        await client().sendSyncRequest(undefined, serverUrl);
      },
      async offerHistory(pin, serverUrl) {
        await client().sendSyncArchive(pin, undefined, serverUrl);
      },
      async takeHistory(pin) {
        await client().processSyncArchive(pin);
      },
      /** The pins of what was offered. */
      async offeredHistory() {
        await client().syncAllDeviceSyncGroups();
        return (await client().listAvailableArchives(1)).map((archive) => archive.pin);
      },
      async permissions(id) {
        const { policyType, policySet } = await (await find(id)).permissions();
        return { policyType, policySet: policies(policySet) };
      },
      async updatePermission(id, type, policy, field) {
        await (await find(id)).updatePermission(type, policy, field);
      },
      /** Times in nanoseconds as text; without settings where none were made. */
      async disappearing(id) {
        const group = await find(id);
        const settings = await group.messageDisappearingSettings();
        return {
          settings: settings ? { from: String(settings.fromNs), in: String(settings.inNs) } : undefined,
          enabled: await group.isMessageDisappearingEnabled(),
        };
      },
      async setDisappearing(id, fromNs, inNs) {
        await (await find(id)).updateMessageDisappearingSettings(BigInt(fromNs), BigInt(inNs));
      },
      async stopDisappearing(id) {
        await (await find(id)).removeMessageDisappearingSettings();
      },
      async leave(id) {
        await (await find(id)).requestRemoval();
      },
      async isLeaving(id) {
        return valueOf(await find(id), "isPendingRemoval");
      },
      async pausedFor(id) {
        return (await (await find(id)).pausedForVersion()) ?? null;
      },
      async revoke(installationIds) {
        await client().revokeInstallations(installationIds.map(bytes));
      },
      /** Installation ids of the own inbox, as the node has them. */
      async ownInstallations() {
        return (await client().preferences.fetchInboxState()).installations.map((each) => each.id).sort();
      },
      /** Installation id → { from, until } in seconds, or { error }. */
      async keyPackages(installationIds) {
        const found = await client().fetchKeyPackageStatuses(installationIds);
        const entries = found instanceof Map ? [...found] : Object.entries(found);
        return Object.fromEntries(entries.map(([id, { lifetime, validationError }]) => [
          id, lifetime ? { from: Number(lifetime.notBefore), until: Number(lifetime.notAfter), error: validationError } : { error: validationError },
        ]));
      },
      /** From now on everything new is told: messages of all conversations, and conversations. */
      async listen() {
        const { conversations } = client();
        const onError = (error) => tell({ stream: "error", value: error.message });
        streams.push(
          await conversations.streamAllMessages({ onValue: (value) => tell({ stream: "message", value: message(value) }), onError }),
          await conversations.stream({ onValue: (value) => tell({ stream: "conversation", value: value.id }), onError }),
        );
      },
      async stopListening() {
        for (const stream of streams.splice(0)) await stream.end();
      },
    },
  };
}

async function creator(group) {
  const metadata = typeof group.metadata === "function" ? await group.metadata() : group.metadata;
  const id = metadata?.creatorInboxId;
  return typeof id === "function" ? id.call(metadata) : id;
}

/** A policy set by names that both packages share, values as numbers. */
const policies = (set) => Object.fromEntries(
  ["addMember", "removeMember", "addAdmin", "removeAdmin", "updateGroupName", "updateGroupDescription", "updateGroupImageUrlSquare",
    "updateMessageDisappearing", "updateAppData"].map((name) => [name, set[`${name}Policy`]]),
);
