// 7. Content of every type: what one side sends is what the other shows.
import assert from "node:assert/strict";
import { rawContents, typedValues } from "../support/content.mjs";
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

/** Checks that somebody sees what was sent by the typed helpers. `ids`: kind → id of the message. */
function sees(person, decoded, target, ids) {
  const found = new Map(decoded.map((message) => [message.id, message]));
  const about = found.get(target.id);
  for (const [kind, value] of Object.entries(typedValues(target))) {
    const message = found.get(ids[kind]);
    if (kind === "reaction") {
      assert.deepEqual(about.reactions, [value], kind);
      assert.equal(message, undefined, "a reaction is no line");
    } else if (kind === "readReceipt") {
      assert.equal(message, undefined, "a receipt is no line");
    } else if (kind === "reply") {
      assert.deepEqual(message.content, { referenceId: target.id, content: value.content }, kind);
      assert.equal(message.fallback, `Replied with "${value.content}" to an earlier message`);
    } else {
      assert.ok(message, `${kind} has arrived under its id`);
      assert.deepEqual(message.content, value, kind);
    }
  }
  assert.equal(about.numReplies, 1);
}

story(7, "content of every type, by the typed helpers", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting }) => {
  const { ours, theirs, group, target } = await twoWithATarget(cast);
  const [sender, reader] = acting === "ours" ? [ours, theirs] : [theirs, ours];
  const ids = {};
  for (const [kind, value] of Object.entries(typedValues(target))) ids[kind] = await sender.sendTyped(group, kind, value);
  await reader.syncGroup(group);
  for (const person of [reader, sender]) sees(person, await person.decoded(group), target, ids);
});

story(7, "content of every type, as codecs encode it, and of unknown ones", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting }) => {
  const { ours, theirs, group, target } = await twoWithATarget(cast);
  const [sender, reader] = acting === "ours" ? [ours, theirs] : [theirs, ours];
  const contents = rawContents(target);
  const ids = [];
  for (const [, encoded] of contents) ids.push(await sender.send(group, encoded));
  await reader.syncGroup(group);
  const decoded = new Map((await reader.decoded(group)).map((message) => [message.id, message]));
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
  assert.ok(sender.inboxId in (await reader.lastReadTimes(group)), "the receipt has been taken");
});
