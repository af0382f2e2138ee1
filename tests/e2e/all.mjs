// All suites in one process, so that they share a browser. A suite runs alone too: node --test tests/e2e/chat.test.mjs
import "./access.test.mjs";
import "./chat.test.mjs";
import "./dm.test.mjs";
import "./files.test.mjs";
import "./group.test.mjs";
import "./list.test.mjs";
import "./opening.test.mjs";
import "./ports.test.mjs";
import "./sending.test.mjs";
