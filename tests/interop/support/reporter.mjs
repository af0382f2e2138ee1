// Node's own reporters tell of the second peer's stories when the first one's are over. Stories print for themselves
// (stage.mjs); this one passes that on at once and adds what went wrong around them.
const TOLD_BY_STORIES = ["testCodeFailure", "subtestsFailed", "cancelledByParent"];

export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type !== "test:fail" || data.nesting === undefined) continue;
    const { error } = data.details;
    const isStory = data.details.type !== "suite" && data.nesting > 0;
    if (isStory && TOLD_BY_STORIES.includes(error.failureType)) continue;
    if (error.failureType !== "subtestsFailed") yield `FAILS: ${data.name}: ${error.cause?.stack ?? error.message}\n`;
  }
}
