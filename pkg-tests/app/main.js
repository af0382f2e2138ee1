// Two people in one page, as an app would write it. The test signs for them (`addressOf`, `signFor`) and reads `heard`.
import { Client, createEOASigner, isText } from "xmtp-web";

async function open(name, apiUrl) {
  const signer = createEOASigner(await window.addressOf(name), (text) => window.signFor(name, text));
  return Client.create(signer, { env: "local", apiUrl, dbPath: null });
}

async function chat() {
  const apiUrl = new URLSearchParams(location.search).get("node");
  const [alice, bob] = [await open("alice", apiUrl), await open("bob", apiUrl)];
  const stream = await bob.conversations.streamAllMessages();
  const group = await alice.conversations.createGroup([bob.inboxId], { groupName: "Lunch" });
  await group.sendText("Soup or noodles?");
  let text;
  for await (const message of stream) {
    if (!isText(message)) continue;
    text = message.content;
    break;
  }
  const found = await bob.conversations.list();
  await Promise.all([alice.close(), bob.close()]);
  return { text, groups: found.map((each) => each.name) };
}

chat().then(
  (heard) => window.heard(heard),
  (error) => window.heard({ error: `${error.code ?? error.name}: ${error.message}` }),
);
