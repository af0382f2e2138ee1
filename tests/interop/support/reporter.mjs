// Node's own reporters tell of the second peer's stories when the first one's are over. Stories print for themselves
// (stage.mjs); this one passes that on at once and adds what went wrong around them.
const FOLLOWS_FROM_ANOTHER = ["subtestsFailed", "cancelledByParent"];

export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type !== "test:fail" || data.nesting === undefined) continue;
    const { error, type: kind } = data.details;
    const toldByStory = kind !== "suite" && data.nesting > 0 && error.failureType === "testCodeFailure";
    if (toldByStory || FOLLOWS_FROM_ANOTHER.includes(error.failureType)) continue;
    yield `FAILS: ${data.name}: ${error.cause?.stack ?? error.message}\n`;
  }
}
