// The test reads `heard`.
import { twoPeople } from "./conversation.js";

twoPeople().then(
  (heard) => window.heard(heard),
  (error) => window.heard({ error: `${error.code ?? error.name}: ${error.message}` }),
);
