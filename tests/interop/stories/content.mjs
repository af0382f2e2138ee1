// 7. Content of every type: what one side sends is, byte for byte, what the other has.
import assert from "node:assert/strict";
import { nestedText, rawContents, typedValues } from "../support/content.mjs";
import { DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** A group of one of ours and one of theirs, with a message that reactions and replies can be about. */
async function twoWithATarget(cast) {
  const { ours, theirs } = await cast({ ours: "ours", theirs: "peer" });
  const group = await theirs.createGroup([ours]);
  await theirs.say(group, "the message that others are about");
  await syncAll(group, [ours, theirs]);
  const [target] = await theirs.said(group);
  return { ours, theirs, group, target };
}

story(7, "content of every type", [DIRECTIONS.peerActs], async ({ cast }) => {
  const { ours, theirs, group, target } = await twoWithATarget(cast);
  const sent = [];
  for (const [kind, value] of Object.entries(typedValues(target))) {
    sent.push({ kind, ...(await theirs.sendTyped(group, kind, value)) });
  }
  await ours.syncGroup(group);
  const found = new Map((await ours.encoded(group)).map((message) => [message.id, message]));
  for (const { kind, id, encoded } of sent) {
    const message = found.get(id);
    assert.ok(message, `${kind} has arrived under its id`);
    if (kind === "text") {
      assert.equal(message.content, typedValues(target).text);
    } else if (kind === "reply") {
      // The package has no encoder for replies; this is what one is.
      assert.deepEqual(message.encoded, {
        type: { authorityId: "xmtp.org", typeId: "reply", versionMajor: 1, versionMinor: 0 },
        parameters: { reference: target.id, referenceInboxId: target.sender, contentType: "xmtp.org/text:1.0" },
        fallback: 'Replied with "I agree" to an earlier message',
        content: { hex: nestedText("I agree") },
      }, kind);
    } else {
      assert.deepEqual(message.encoded, encoded, kind);
      assert.equal(message.fallback, encoded.fallback, kind);
    }
    if (encoded) assert.deepEqual(message.contentType, encoded.type, kind);
  }
});

story(7, "content of every type", [DIRECTIONS.weAct], async ({ cast }) => {
  const { ours, theirs, group, target } = await twoWithATarget(cast);
  const contents = rawContents(target);
  const ids = [];
  for (const [, encoded] of contents) ids.push(await ours.send(group, encoded));
  await theirs.syncGroup(group);
  const decoded = new Map((await theirs.decoded(group)).map((message) => [message.id, message]));
  const reactions = decoded.get(target.id).reactions.map((reaction) => reaction.content);
  contents.forEach(([name, encoded, expected], index) => {
    const message = decoded.get(ids[index]);
    if (expected.reaction) return assert.ok(reactions.includes(expected.reaction), `${name}: ${reactions}`);
    if (expected.receipt) return assert.equal(message, undefined, "a receipt is not listed");
    assert.ok(message, `${name} is listed`);
    if (expected.content !== undefined) assert.deepEqual(message.content, expected.content, name);
    assert.equal(message.typeId, expected.typeId ?? encoded.type.typeId, name);
    if (expected.fallback) assert.equal(message.fallback, expected.fallback, name);
  });
  assert.equal(decoded.get(target.id).numReplies, 1);
  assert.ok(ours.inboxId in (await theirs.lastReadTimes(group)), "the receipt has been taken");
  // What we sent is here as it went out.
  const own = new Map((await ours.encoded(group)).map((message) => [message.id, message]));
  contents.forEach(([name, encoded], index) => {
    const { encoded: kept } = own.get(ids[index]);
    if (kept) assert.deepEqual(kept, encoded, name);
  });
});
