// What is measured, one function each: sets its people up, warms up, answers the median in milliseconds.

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** A group of two that both know, and what was queued in it is sent. */
async function groupOf(alice, bob) {
  const id = await alice.ask(async (other) => (await window.client.conversations.createGroup([other])).id, bob.inboxId);
  await bob.ask(() => window.client.conversations.syncAll());
  return id;
}

/** Queues messages and sends them all. */
const say = (who, group, count) =>
  who.ask(
    async ([id, number]) => {
      const group = await window.client.conversations.getConversationById(id);
      for (let index = 0; index < number; index += 1) {
        await group.sendText(`message ${index}, of a usual length for a chat`, { optimistic: true });
      }
      await group.publishMessages();
    },
    [group, count],
  );

async function backlog(person) {
  const [alice, bob] = [await person(), await person()];
  const group = await groupOf(alice, bob);
  const read = () =>
    bob.ask(async (id) => {
      const group = await window.client.conversations.getConversationById(id);
      return window.timed(() => group.sync());
    }, group);
  await say(alice, group, 500);
  await read();
  const rounds = [];
  for (let round = 0; round < 3; round += 1) {
    await say(alice, group, 1000);
    rounds.push((await read()) / 1000);
  }
  const stored = await bob.ask(async (id) => {
    const group = await window.client.conversations.getConversationById(id);
    return Number(await group.countMessages({ kind: 0 }));
  }, group);
  if (stored !== 3500) throw new Error(`${stored} messages arrived of 3500`);
  await Promise.all([alice.close(), bob.close()]);
  return median(rounds);
}

async function firstSync(person) {
  const rounds = [];
  for (let round = 0; round < 2; round += 1) {
    const [alice, carol] = [await person(), await person()];
    await alice.ask(async (other) => {
      for (let index = 0; index < 50; index += 1) {
        const group = await window.client.conversations.createGroup([other]);
        for (let message = 0; message < 50; message += 1) {
          await group.sendText(`message ${message}, of a usual length for a chat`, { optimistic: true });
        }
        await group.publishMessages();
      }
    }, carol.inboxId);
    rounds.push(await carol.ask(() => window.timed(() => window.client.conversations.syncAll())));
    const found = await carol.ask(async () => {
      const groups = await window.client.conversations.list();
      const counts = await Promise.all(groups.map((group) => group.countMessages({ kind: 0 })));
      return [groups.length, counts.reduce((sum, count) => sum + Number(count), 0)];
    });
    if (String(found) !== "50,2500") throw new Error(`${found} conversations and messages of 50 and 2500`);
    await Promise.all([alice.close(), carol.close()]);
  }
  return Math.min(...rounds);
}

async function send(person, watches = false) {
  const [alice, bob] = [await person(), await person()];
  const group = await groupOf(alice, bob);
  if (watches) {
    await alice.ask(async () => {
      window.stream = await window.client.conversations.streamAllMessages();
      (async () => {
        for await (const _ of window.stream);
      })();
    });
  }
  const all = await alice.ask(async (id) => {
    const group = await window.client.conversations.getConversationById(id);
    const times = [];
    for (let index = 0; index < 150; index += 1) {
      times.push(await window.timed(() => group.sendText(`message ${index}, of a usual length for a chat`)));
    }
    return times;
  }, group);
  await Promise.all([alice.close(), bob.close()]);
  return median(all.slice(50));
}

async function live(person) {
  const [alice, bob] = [await person(), await person()];
  const group = await groupOf(alice, bob);
  await bob.ask(async () => {
    window.heard = {};
    const stream = await window.client.conversations.streamAllMessages();
    (async () => {
      for await (const message of stream) window.heard[message.content] = performance.timeOrigin + performance.now();
    })();
  });
  const sent = await alice.ask(async (id) => {
    const group = await window.client.conversations.getConversationById(id);
    const times = {};
    for (let index = 0; index < 40; index += 1) {
      times[`live ${index}`] = performance.timeOrigin + performance.now();
      await group.sendText(`live ${index}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return times;
  }, group);
  const heard = await bob.ask(async (last) => {
    while (window.heard[last] === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    return window.heard;
  }, "live 39");
  await Promise.all([alice.close(), bob.close()]);
  return median(Object.keys(sent).slice(10).map((text) => heard[text] - sent[text]));
}

async function list(person) {
  const alice = await person();
  const times = await alice.ask(async () => {
    for (let index = 0; index < 200; index += 1) {
      const group = await window.client.conversations.createGroupOptimistic({ groupName: `group ${index}` });
      await group.sendText("something said", { optimistic: true });
    }
    const times = [];
    for (let round = 0; round < 25; round += 1) {
      times.push(await window.timed(async () => {
        const found = await window.client.conversations.list();
        if (found.length !== 200) throw new Error(`${found.length} conversations of 200`);
      }));
    }
    return times;
  });
  await alice.close();
  return median(times.slice(10));
}

export const scenarios = [
  { name: "backlog of 1,000 messages, per message", run: backlog },
  { name: "first sync of 50 conversations with 50 messages each", run: firstSync },
  { name: "send a message", run: (person) => send(person) },
  { name: "send a message while a stream lives", run: (person) => send(person, true) },
  { name: "from sending to the other's stream", run: live },
  { name: "list 200 conversations", run: list },
];
