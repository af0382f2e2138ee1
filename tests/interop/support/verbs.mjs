// The verbs that both kinds of client share: where the two packages offer the same calls, the same lines run. Used by
// peer-program.mjs and, in the browser, by page/person.js.
import { byInbox, changes, fromPlain, member, typeName } from "./plain.mjs";

/** 0, the number: a string is refused by us and makes peers fail later. */
const ETHEREUM = 0;
export const identifiers = (addresses) =>
  addresses.map((address) => ({ identifier: address, identifierKind: ETHEREUM }));

/** `client()` answers the open client; `tell(event)` reports what a stream brings. */
export function sharedVerbs(client, tell) {
  const streams = [];
  const find = async (id) => {
    const group = await client().conversations.getConversationById(id);
    if (!group) throw new Error(`no conversation ${id} here`);
    return group;
  };
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
        const group = addresses
          ? await conversations.createGroupWithIdentifiers(identifiers(addresses), options)
          : await conversations.createGroup(inboxIds, options);
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
        const active = typeof group.isActive === "function" ? await group.isActive() : group.isActive;
        return {
          name: group.name,
          description: group.description,
          imageUrl: group.imageUrl,
          appData: group.appData,
          admins: [...(await group.listAdmins())].sort(),
          superAdmins: [...(await group.listSuperAdmins())].sort(),
          creator: await creator(group),
          active,
        };
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
