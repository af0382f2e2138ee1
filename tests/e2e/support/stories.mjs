// Stories that are told in more than one browser; whoever calls brings the people.
import assert from "node:assert/strict";

/** Two who are looking at the same group, in which nobody has said anything. */
export async function twoTalkAndOneReloads(alice, bob) {
  await alice.say("Soup or noodles?");
  await bob.sees("Soup or noodles?");
  await bob.say("Noodles");
  await alice.sees("Noodles");

  const wallet = await bob.wallet();
  await bob.reload();
  assert.equal(await bob.wallet(), wallet, "the account survives a reload");
  await bob.sees("Noodles");
  assert.deepEqual(await bob.messages(), ["Soup or noodles?", "Noodles"]);

  await alice.say("At twelve?");
  await bob.sees("At twelve?");
  await bob.say("Yes");
  await alice.sees("Yes");
  const all = ["Soup or noodles?", "Noodles", "At twelve?", "Yes"];
  assert.deepEqual(await alice.messages(), all);
  assert.deepEqual(await bob.messages(), all);
}
